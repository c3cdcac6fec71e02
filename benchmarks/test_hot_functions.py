"""The functions that a flow lives in do nothing in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hot_functions import annotated, listed, python_calls


@pytest.mark.parametrize("module", listed())
def test_no_python_in(module: str, tmp_path: Path, benchmark: Any) -> None:
    pytest.importorskip("Cython")
    code = benchmark.pedantic(annotated, args=(module, tmp_path), rounds=1)
    assert code
    assert list(python_calls(module, code)) == []
