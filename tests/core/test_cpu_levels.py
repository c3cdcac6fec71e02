"""Every level of instructions of FASTZT_CPU gives the same bytes: the kernel tests, once for each level."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastzt

HERE = Path(__file__).parent
FILES = ["test_armor.py", "test_gmac_siv.py", "test_salsa20.py", "test_poly1305.py", "test_checksum.py"]


@pytest.mark.skipif(not fastzt.is_compiled(), reason="the interpreted kernels have no levels")
@pytest.mark.parametrize("level", ["portable", "sse2", "avx2", "avx512"])
def test_level(level: str) -> None:
    if os.environ.get("FASTZT_CPU"):
        pytest.skip("a level is already chosen")
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
