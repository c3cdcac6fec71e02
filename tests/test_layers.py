"""Imports and cimports go only downward through the layers of docs/architecture.md."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import fastzt

ROOT = Path(fastzt.__file__).parent
LAYERS = ["_core", "wire", "identity", "vl1", "vl2", "netstack", "node", "io", "api", "upper"]
UPPER = {"agent", "aio", "integrations", "gateway", "lab", "cli", "__main__"}
FREE = {"_cython", "_pure", "errors", "__init__"}
LOADS_LAZILY = {"__init__"}
ALLOWED_UPPER = {
    "cli": {"agent", "gateway", "lab", "integrations"},
    "lab": {"integrations"},
    "__main__": {"cli"},
}
OUTSIDE = ("cython", "libc", "cpython", "posix")
CIMPORT = re.compile(r"^\s*(?:from\s+(\S+)\s+)?cimport\s+([^#\n]+)", re.M)
BRACKETS = re.compile(r"\(([^()]*)\)")


def room(module: str) -> str:
    """The room (first name below fastzt) that a dotted module name lies in."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def level(name: str) -> int:
    return LAYERS.index("upper" if name in UPPER else name)


def cimported(text: str) -> set[str]:
    """Dotted names that a .pxd cimports, of whatever package; a relative one begins with a dot."""
    found: set[str] = set()
    one_line = BRACKETS.sub(lambda inside: " ".join(inside[1].split()), text)
    for base, names in CIMPORT.findall(one_line):
        listed = [name.split()[0] for name in names.split(",") if name.strip()]
        if not base:
            found.update(listed)
        elif base == "fastzt":
            found.update(f"fastzt.{name}" for name in listed)
        else:
            found.add(base)
    return {name for name in found if name.partition(".")[0] not in OUTSIDE}


def imported(path: Path, root: Path) -> set[str]:
    """Dotted names below fastzt that a source file imports or cimports."""
    if path.suffix == ".pxd":
        return cimported(path.read_text())
    package = ["fastzt", *path.relative_to(root).parent.parts]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name.startswith("fastzt"))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            full = ".".join([*base, *([node.module] if node.module else [])])
            if full == "fastzt":
                found.update(f"fastzt.{alias.name}" for alias in node.names)
            elif full.startswith("fastzt."):
                found.add(full)
    return found


def is_allowed(here: str, there: str) -> bool:
    """Whether a file of room `here` may take from room `there`."""
    if there in FREE or there == here:
        return True
    if here in FREE:
        return False
    if there in UPPER and there in ALLOWED_UPPER.get(here, ()):
        return True
    return there in {*LAYERS, *UPPER} and level(there) < level(here)


def violations(root: Path = ROOT) -> list[str]:
    bad = []
    for path in sorted([*root.rglob("*.py"), *root.rglob("*.pxd")]):
        here = path.relative_to(root).parts[0].partition(".")[0]
        if here in LOADS_LAZILY:
            continue
        for name in sorted(imported(path, root)):
            if name.partition(".")[0] != "fastzt" or not is_allowed(here, room(name)):
                bad.append(f"{path.relative_to(root)} imports {name}")
    return bad


def test_imports_go_downward() -> None:
    assert violations() == []


BAD = {
    "vl1/a.py": ("from ..vl2 import networks", "vl1/a.py imports fastzt.vl2"),
    "_core/b.py": ("def late():\n    import fastzt.wire.arp", "_core/b.py imports fastzt.wire.arp"),
    "_core/c.pxd": ("from fastzt.vl1.peer cimport Peer", "_core/c.pxd imports fastzt.vl1.peer"),
    "netstack/d.pxd": ("cimport fastzt.node.adapter as x", "netstack/d.pxd imports fastzt.node.adapter"),
    "wire/e.pxd": ("from fastzt cimport (\n    vl1,\n)", "wire/e.pxd imports fastzt.vl1"),
    "identity/f.pxd": ("from ..vl1.peer cimport (Peer, Path)", "identity/f.pxd imports ..vl1.peer"),
    "io/g.py": ("from fastzt.api.node import Node", "io/g.py imports fastzt.api.node"),
    "integrations/h.py": ("from ..lab import demo", "integrations/h.py imports fastzt.lab"),
    "errors.py": ("from .wire import arp", "errors.py imports fastzt.wire"),
}
GOOD = {
    "vl2/a.py": "import os\nfrom .._core.slab import Slab\nfrom ..errors import InputError",
    "vl2/a.pxd": "cimport cython\nfrom libc.stdint cimport int64_t\nfrom fastzt._core.slab cimport Slab",
    "cli/b.py": "from ..lab import demo\nfrom ..api.node import Node",
}


def test_what_goes_upward_is_found(tmp_path: Path) -> None:
    for name, text in {**GOOD, **{name: text for name, (text, _) in BAD.items()}}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert sorted(violations(tmp_path)) == sorted(message for _, message in BAD.values())


def test_every_folder_is_a_known_room() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= {*LAYERS, *UPPER}


def test_files_stay_small() -> None:
    long = {str(p.relative_to(ROOT)): n for p in ROOT.rglob("*.py") if (n := p.read_text().count("\n")) > 400}
    assert long == {}


OPTIONAL = {
    "click",
    "rich",
    "numpy",
    "matplotlib",
    "httpx",
    "httpcore",
    "anyio",
    "asyncio",
    "aiohttp",
    "requests",
    "urllib3",
    "dns",
}


def test_import_is_light() -> None:
    code = "import sys, fastzt; print(' '.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not OPTIONAL & {name.partition(".")[0] for name in out.split()}
