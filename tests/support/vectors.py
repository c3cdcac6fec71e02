"""The reference vectors: cases by file and kind, from FASTZT_VECTORS (default tests/vectors).

`parametrize` is what a vector test uses: tests/test_vectors.py asks that every case of every file is the
parameter of a test. `committed` is for tests that only need material, whatever FASTZT_VECTORS says.
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import pytest

COMMITTED = Path(__file__).parent.parent / "vectors"
DIRECTORY = Path(os.environ.get("FASTZT_VECTORS", "") or COMMITTED)
Case = dict[str, Any]


@functools.cache
def load(name: str, directory: Path = DIRECTORY) -> list[Case]:
    """All cases of `name`.json."""
    cases: list[Case] = json.loads((directory / f"{name}.json").read_text())["cases"]
    return cases


def case_id(name: str, index: int, case: Case) -> str:
    """The name of a case as a test's parameter: file, number in the file, kind."""
    return f"{name}:{index}:{case['kind']}"


def numbered(name: str, kinds: tuple[str, ...], directory: Path = DIRECTORY) -> list[tuple[str, Case]]:
    """(id, case) of the given kinds; a kind without a case is an error, so that no test runs on nothing."""
    found = [(case_id(name, i, case), case) for i, case in enumerate(load(name, directory))]
    found = [(text, case) for text, case in found if case["kind"] in kinds]
    missing = set(kinds) - {case["kind"] for _, case in found}
    assert not missing, f"{name}.json has no case of kind {missing}"
    return found


def cases(name: str, *kinds: str) -> list[Case]:
    """The cases of the given kinds."""
    return [case for _, case in numbered(name, kinds)]


def committed(name: str, *kinds: str) -> list[Case]:
    """The committed cases of the given kinds."""
    return [case for _, case in numbered(name, kinds, COMMITTED)]


def parametrize(name: str, *kinds: str) -> pytest.MarkDecorator:
    """Run a test once for each case, which it takes as `case`."""
    found = numbered(name, kinds)
    return pytest.mark.parametrize("case", [case for _, case in found], ids=[text for text, _ in found])


def parametrize_parts(name: str, kind: str, part: str) -> pytest.MarkDecorator:
    """Run a test once for each entry of the list `part` of each case, as (`case`, `entry`)."""
    found = [
        (text, case, i, entry)
        for text, case in numbered(name, (kind,))
        for i, entry in enumerate(case.get(part, ()))
    ]
    assert found, f"no {kind} of {name}.json has {part}"
    ids = [f"{text}:{part}-{i}" for text, _, i, _ in found]
    return pytest.mark.parametrize(("case", "entry"), [(case, entry) for _, case, _, entry in found], ids=ids)
