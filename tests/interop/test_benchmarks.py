"""The benchmarks that need namespaces run, and count what they sent: what only people start is not to rot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PATIENCE = 300


@pytest.mark.timeout(PATIENCE + 60)
def test_peers_beside_each_other(library: object) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "peers.py"), "--seconds", "0.5", "--runs", "1", "--json"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout)
    assert set(found["gbit_s"]) == {"fastzt", "libzt", "kernel"}
    assert all(rate > 0 for rate in found["gbit_s"].values())
