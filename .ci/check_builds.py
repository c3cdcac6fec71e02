"""Check that the wheels which cibuildwheel would make are those that docs/packages.md promises."""

import subprocess
import sys

PYTHONS = ("cp310", "cp311", "cp312", "cp313", "cp314", "cp314t")
MACHINES = {
    ("linux", "x86_64"): ("manylinux_x86_64", "musllinux_x86_64"),
    ("linux", "aarch64"): ("manylinux_aarch64", "musllinux_aarch64"),
    ("macos", "x86_64"): ("macosx_x86_64",),
    ("macos", "arm64"): ("macosx_arm64",),
    ("windows", "AMD64"): ("win_amd64",),
}

for (platform, machine), tags in MACHINES.items():
    command = [sys.argv[1], "--platform", platform, "--archs", machine, "--print-build-identifiers"]
    found = set(subprocess.check_output(command, text=True).split())
    wanted = {f"{python}-{tag}" for python in PYTHONS for tag in tags}
    if found != wanted:
        sys.exit(f"{platform} {machine}: {sorted(found ^ wanted)}")
    print(f"{platform} {machine}: {len(found)} wheels")
