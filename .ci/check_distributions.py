"""Check that sdist and wheel hold every source file that git tracks, and no generated or compiled one."""

import subprocess
import sys
import tarfile
import zipfile

sdist, wheel = sys.argv[1:]
with tarfile.open(sdist) as archive:
    in_sdist = {name.partition("/")[2] for name in archive.getnames()}
with zipfile.ZipFile(wheel) as archive:
    in_wheel = {"src/" + name for name in archive.namelist()}
tracked = set(subprocess.check_output(["git", "ls-files", "src"], text=True).split())
wrong = [
    f"{name} is not in the {kind}"
    for kind, held in (("sdist", in_sdist), ("wheel", in_wheel))
    for name in sorted(tracked - held)
]
wrong += [
    f"{name} should not be there"
    for name in sorted(in_sdist | in_wheel)
    if name.endswith((".c", ".so", ".pyc"))
]
print(f"{len(tracked)} source files, {len(in_sdist)} names in the sdist, {len(in_wheel)} in the wheel")
sys.exit("\n".join(wrong) or 0)
