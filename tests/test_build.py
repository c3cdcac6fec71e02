"""Which build is in use: when FASTZT_REQUIRE_CYTHON asks for it, every module of the list is compiled."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import fastzt

LOCALS = re.compile(r"@cython\.locals\(([^)]*)\)\s*\n(?:\s*@.*\n)*\s*cp?def\b[^(\n]*\b(\w+)\(")
ROOT = Path(fastzt.__file__).parent
REQUIRED = os.environ.get("FASTZT_REQUIRE_CYTHON", "") not in ("", "0")
PURE = os.environ.get("FASTZT_PURE", "") not in ("", "0")


def with_pxd() -> list[str]:
    """Modules that have an augmenting .pxd: the ones that setup.py must list."""
    names = [p for p in ROOT.rglob("*.pxd") if p.with_suffix(".py").exists() and p.stem != "access"]
    return sorted(".".join(["fastzt", *p.relative_to(ROOT).with_suffix("").parts]) for p in names)


@pytest.mark.parametrize("name", with_pxd())
def test_module_is_of_the_build_in_use(name: str) -> None:
    file = importlib.import_module(name).__file__
    assert file is not None
    assert file.endswith(".py") != fastzt.is_compiled(), file


def test_required_build_is_there() -> None:
    if REQUIRED and not PURE:
        assert fastzt.is_compiled()
    if PURE:
        assert not fastzt.is_compiled()


def test_pure_forces_the_interpreted_files() -> None:
    code = (
        "import sys, fastzt, fastzt.api.node\n"
        "files = [m.__file__ for n, m in sys.modules.items() if n.startswith('fastzt.') and m.__file__]\n"
        "print(fastzt.is_compiled(), sum(not file.endswith('.py') for file in files))"
    )
    for pure, compiled in (("1", False), ("0", fastzt.is_compiled() and not PURE)):
        environment = {**os.environ, "FASTZT_PURE": pure}
        if pure == "0" and PURE:
            continue  # whether compiled modules lie beside is not known here
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120
        )
        told, count = done.stdout.split()
        assert told == str(compiled), done.stderr
        assert (int(count) > 0) == compiled


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this interpreter has a GIL")
@pytest.mark.skipif(PURE, reason="interpreted modules need no GIL")
def test_a_free_threaded_interpreter_turns_its_gil_on() -> None:
    """The modules do not say that they do without, and are not to run without where nobody asks for that."""
    code = "import sys, fastzt._core.checksum; print(sys._is_gil_enabled())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "True", done.stderr
    assert "GIL" in done.stderr


def test_setup_lists_every_module_with_a_pxd() -> None:
    setup = Path(__file__).parent.parent / "setup.py"
    block = re.search(r"COMPILED = (\{.*?\n\})", setup.read_text(), re.S)
    assert block is not None
    listed = {f"fastzt.{p}.{n}" for p, names in eval(block.group(1)).items() for n in names}
    assert listed == set(with_pxd())


def variables(function: ast.FunctionDef) -> set[str]:
    """Arguments of a function, and what it assigns."""
    stored = (node for node in ast.walk(function) if isinstance(node, ast.Name))
    return {argument.arg for argument in function.args.args} | {
        node.id for node in stored if isinstance(node.ctx, ast.Store)
    }


@pytest.mark.parametrize("name", with_pxd())
def test_declared_locals_are_those_of_the_function(name: str) -> None:
    """One that stands before another function leaves its own to Python objects, and Cython says nothing."""
    source = ROOT.parent / name.replace(".", "/")
    nodes = ast.walk(ast.parse(source.with_suffix(".py").read_text()))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    for declared, function in LOCALS.findall(source.with_suffix(".pxd").read_text()):
        wanted = set(re.findall(r"(\w+)\s*=", declared))
        assert any(wanted <= variables(f) for f in functions if f.name == function), (function, wanted)
