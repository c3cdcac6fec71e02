"""Which build is in use: when FASTZT_REQUIRE_CYTHON asks for it, every module of the list is compiled."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import fastzt

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
