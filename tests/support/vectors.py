"""The reference vectors: cases by file and kind, from FASTZT_VECTORS (default tests/vectors)."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import pytest

DIRECTORY = Path(os.environ.get("FASTZT_VECTORS", "") or Path(__file__).parent.parent / "vectors")


@functools.cache
def load(name: str) -> list[dict[str, Any]]:
    """All cases of `name`.json."""
    cases: list[dict[str, Any]] = json.loads((DIRECTORY / f"{name}.json").read_text())["cases"]
    return cases


def cases(name: str, *kinds: str) -> list[dict[str, Any]]:
    """The cases of the given kinds; a kind without a case is an error, so that no test runs on nothing."""
    found = [case for case in load(name) if case["kind"] in kinds]
    missing = set(kinds) - {case["kind"] for case in found}
    assert not missing, f"{name}.json has no case of kind {missing}"
    return found


def parametrize(name: str, *kinds: str) -> pytest.MarkDecorator:
    """Run a test once for each case, which it takes as `case`."""
    found = cases(name, *kinds)
    ids = [
        f"{case['kind']}-{i}-{case.get('name') or case.get('reason') or ''}" for i, case in enumerate(found)
    ]
    return pytest.mark.parametrize("case", found, ids=ids)
