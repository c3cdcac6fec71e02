"""Every level of instructions that the processor has gives the same bytes: the kernel tests at each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastzt
from fastzt._core import armor
from fastzt._core.slab import Slab

HERE = Path(__file__).parent
FILES = ["test_armor.py", "test_gmac_siv.py", "test_salsa20.py", "test_poly1305.py", "test_checksum.py"]
compiled = pytest.mark.skipif(not fastzt.is_compiled(), reason="the interpreted kernels have no levels")


def take(level: str) -> None:
    """Use the level's kernels, or skip."""
    if not armor.use_cpu_level(level):
        pytest.skip(f"the processor, or FASTZT_CPU, has no level {level}")


@compiled
@pytest.mark.parametrize("level", armor.LEVELS)
def test_level(level: str) -> None:
    if os.environ.get("FASTZT_CPU"):
        pytest.skip("a level is already chosen")
    before = armor.cpu_level()
    try:
        take(level)
    finally:
        armor.use_cpu_level(before)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", *(str(HERE / name) for name in FILES)],
        env={**os.environ, "FASTZT_CPU": level},
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]


@compiled
@pytest.mark.parametrize("name", ["portable", "sse2", "neon"])
def test_environment_limits_the_level(name: str) -> None:
    script = "from fastzt._core import armor; print(armor.cpu_level())"
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "FASTZT_CPU": name},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout.strip() in ("portable", "sse2" if name == "neon" else name)


@compiled
def test_keys_outlive_their_level() -> None:
    """A key made at one level opens what another level's key sealed."""
    slab, secret = Slab(300), bytes(range(48))
    before = armor.cpu_level()
    try:
        keys = [armor.SessionKey(secret) for level in armor.LEVELS if armor.use_cpu_level(level)]
        for sealer in keys:
            for opener in keys:
                slab.view[:] = bytes(300)
                armor.armor(slab, 0, 300, sealer, 3)
                assert armor.dearmor(slab, 0, 300, opener)
    finally:
        armor.use_cpu_level(before)


def test_unknown_level() -> None:
    with pytest.raises(ValueError, match="mmx"):
        armor.use_cpu_level("mmx")
    assert armor.use_cpu_level(armor.cpu_level())
