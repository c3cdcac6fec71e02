"""The functions that a flow lives in, and whether they call into Python: hot_functions.txt has their names.

`python benchmarks/hot_functions.py` runs memory_path.py under callgrind (valgrind must be installed; a few
minutes) and prints each compiled function of ours with its share of the instructions. It fails when one that
takes a hundredth or more is not in the list. PYTHONPATH must name `tests`.
"""

from __future__ import annotations

import ast
import html
import os
import re
import runpy
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

HERE = Path(__file__).parent
ROOT = HERE.parent
SOURCE = ROOT / "src" / "fastzt"
LIST = HERE / "hot_functions.txt"
SHARE = 0.01  # of the instructions of a transfer: what a function of the list takes at least
SHOWN = 0.001
VOLUMES = 8, 24  # MiB: the difference leaves out what starts and ends a run
API = re.compile(r"\b(Py[A-Z][a-z]+_[A-Z]\w+|__Pyx_[A-Z][a-z]\w+)\(")
# They look whether an exception is set, and take a pointer.
HARMLESS = {"PyErr_Occurred", "__Pyx_PyByteArray_AsString"}
LINE = re.compile(
    r'<pre class="cython line score-\d+"[^>]*>.*?<span class="">(\d+)</span>.*?</pre>'
    r"(?:\s*<pre class='cython code[^>]*>(.*?)</pre>)?",
    re.S,
)


def listed() -> dict[str, list[str]]:
    """The functions of the list by module."""
    found: dict[str, list[str]] = {}
    for line in LIST.read_text().split():
        module, _, function = line.partition(":")
        found.setdefault(module, []).append(function)
    return found


def directives() -> dict[str, Any]:
    """What the build tells Cython."""
    with mock.patch("setuptools.setup"), mock.patch.dict(os.environ, FASTZT_SKIP_CYTHON="1"):
        given: dict[str, Any] = runpy.run_path(str(ROOT / "setup.py"))["DIRECTIVES"]
    return given


def annotated(module: str, directory: Path) -> dict[int, str]:
    """The C code behind each line of a module that has some, by `cython --annotate`."""
    options = ",".join(f"{name}={value}" for name, value in directives().items() if name != "language_level")
    target = directory / f"{module}.c"
    source = SOURCE / (module.replace(".", "/") + ".py")
    command = [sys.executable, "-m", "cython", "-3", "--annotate", "-X", options, "-I", str(SOURCE.parent)]
    subprocess.run([*command, "-o", str(target), str(source)], check=True, timeout=300, capture_output=True)
    page = target.with_suffix(".html").read_text()
    return {int(n): html.unescape(re.sub("<[^>]+>", "", code)) for n, code in LINE.findall(page)}


def body(module: str, function: str) -> range:
    """The lines of a function without its first one, which holds how it is called from Python."""
    node: Any = ast.parse((SOURCE / (module.replace(".", "/") + ".py")).read_text())
    for name in function.split("."):
        node = next(item for item in ast.walk(node) if getattr(item, "name", None) == name)
    return range(node.body[0].lineno, node.end_lineno + 1)


def python_calls(module: str, code: dict[int, str]) -> Iterator[str]:
    """Where the module's functions of the list call into Python: "function:line: calls"."""
    for function in listed()[module]:
        for number in body(module, function):
            calls = set(API.findall(code.get(number, ""))) - HARMLESS
            if calls:
                yield f"{function}:{number}: {', '.join(sorted(calls))}"


def instructions(mebibytes: int, directory: Path) -> Counter[str]:
    """Instructions by function of a transfer in memory, the whole program included."""
    target = directory / f"{mebibytes}.out"
    tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={target}"]
    command = [*tool, sys.executable, str(HERE / "memory_path.py"), str(mebibytes)]
    subprocess.run(command, check=True, timeout=1200, capture_output=True)
    told = subprocess.run(
        ["callgrind_annotate", "--auto=no", "--threshold=100", str(target)],
        check=True,
        timeout=300,
        capture_output=True,
        text=True,
    ).stdout
    found: Counter[str] = Counter()
    for count, name in re.findall(r"^ *([\d,]+) \(.*?\)\s+(?:\S+:)?(\S+)(?: \[.*)?$", told, re.M):
        found[name] += int(count.replace(",", ""))
    return found


def shares() -> dict[str, float]:
    """The share of each compiled function of ours in the instructions that a transfer takes."""
    with tempfile.TemporaryDirectory() as directory:
        few, many = (instructions(volume, Path(directory)) for volume in VOLUMES)
    more = {name: count - few[name] for name, count in many.items()}
    total = sum(more.values())
    ours = {name: count / total for name, count in more.items() if name.startswith("__pyx_f_6fastzt_")}
    return dict(sorted(ours.items(), key=lambda item: -item[1]))


def mangled(module: str, function: str) -> str:
    """The name that Cython gives to a function in C."""
    parts = ["fastzt", *module.split("."), *function.split(".")[:-1]]
    return "__pyx_f_" + "_".join(f"{len(part)}{part}" for part in parts) + "_" + function.rpartition(".")[2]


def main() -> int:
    """Print the shares; 1 when the list lacks a function."""
    known = {mangled(module, name) for module, names in listed().items() for name in names}
    missing = 0
    for name, share in shares().items():
        if share >= SHOWN:
            lacks = share >= SHARE and name not in known
            missing += lacks
            print(f"{share:7.2%}  {name}{'  is not in the list' if lacks else ''}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
