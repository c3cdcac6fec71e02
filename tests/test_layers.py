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
UPPER = {"integrations", "lab", "cli", "__main__"}
FREE = {"_cython", "_pure", "errors", "__init__"}
ALLOWED_UPPER = {"cli": {"lab", "integrations"}, "lab": {"integrations"}, "__main__": {"cli"}}
CIMPORT = re.compile(r"^\s*from\s+fastzt\.(\S+)\s+cimport|^\s*cimport\s+fastzt\.(\S+)", re.M)


def room(module: str) -> str:
    """The room (first name below fastzt) that a dotted module name lies in."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def level(name: str) -> int:
    return LAYERS.index("upper" if name in UPPER else name)


def imported(path: Path) -> set[str]:
    """Dotted names below fastzt that a source file imports or cimports."""
    if path.suffix == ".pxd":
        return {f"fastzt.{a or b}" for a, b in CIMPORT.findall(path.read_text())}
    package = ["fastzt", *path.relative_to(ROOT).parent.parts]
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


def violations() -> list[str]:
    bad = []
    for path in sorted([*ROOT.rglob("*.py"), *ROOT.rglob("*.pxd")]):
        here = path.relative_to(ROOT).parts[0].partition(".")[0]
        if here in FREE:
            continue
        for name in imported(path):
            there = room(name)
            if there in FREE or there == here:
                continue
            if there in UPPER and there in ALLOWED_UPPER.get(here, ()):
                continue
            if there not in {*LAYERS, *UPPER} or level(there) >= level(here):
                bad.append(f"{path.relative_to(ROOT)} imports {name}")
    return bad


def test_imports_go_downward() -> None:
    assert violations() == []


def test_every_folder_is_a_known_room() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= {*LAYERS, *UPPER}


def test_files_stay_small() -> None:
    long = {str(p.relative_to(ROOT)): n for p in ROOT.rglob("*.py") if (n := p.read_text().count("\n")) > 400}
    assert long == {}


OPTIONAL = {"click", "rich", "numpy", "httpx", "httpcore", "anyio", "aiohttp", "requests", "urllib3", "dns"}


def test_import_is_light() -> None:
    code = "import sys, fastzt; print(' '.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not OPTIONAL & {name.partition(".")[0] for name in out.split()}
