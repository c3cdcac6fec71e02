"""Every case of every vector file is the parameter of a test."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.vectors import COMMITTED, DIRECTORY, case_id, load

TESTS = Path(__file__).parent
# Sessions are sequences, replayed whole: test_traces.py accounts for each of their datagrams.
SESSIONS = {"trace", "trace_three_nodes"}
PARAMETER = re.compile(r"\w+:\d+:\w+")


def files() -> list[str]:
    return sorted(path.stem for path in DIRECTORY.glob("*.json"))


def wanted() -> set[str]:
    """The ids of all cases that must have a test."""
    named = [(name, i, case) for name in files() if name not in SESSIONS for i, case in enumerate(load(name))]
    return {case_id(*entry) for entry in named}


def parameters(nodeids: Iterable[str]) -> set[str]:
    """What the parameters of these tests name that looks like a case."""
    return {found for nodeid in nodeids for found in PARAMETER.findall(nodeid.partition("[")[2])}


def collected() -> set[str]:
    """The ids of the cases that are parameters of a test, as pytest itself lists them."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", str(TESTS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=TESTS.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return parameters(line for line in done.stdout.splitlines() if "::" in line)


def test_every_case_has_a_test(request: pytest.FixtureRequest) -> None:
    missing = wanted() - parameters(item.nodeid for item in request.session.items)
    if missing:  # only some of the tests were asked for
        missing -= collected()
    assert missing == set()


def test_every_file_is_one_of_cases() -> None:
    assert set(files()) > SESSIONS
    for name in files():
        document = json.loads((DIRECTORY / f"{name}.json").read_text())
        assert set(document) >= {"source", "description", "cases"}
        assert document["cases"], name


@pytest.mark.parametrize("name", sorted(SESSIONS))
def test_a_session_begins_with_its_secrets(name: str) -> None:
    head, *datagrams = load(name)
    assert head["kind"] == "session"
    assert {entry["kind"] for entry in datagrams} == {"datagram"}


def test_the_default_is_the_committed_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from support import vectors; print(vectors.DIRECTORY, vectors.DIRECTORY == vectors.COMMITTED)"
    for value, expected in (("", f"{COMMITTED} True"), ("/elsewhere", "/elsewhere False")):
        monkeypatch.setenv("FASTZT_VECTORS", value)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=TESTS, capture_output=True, text=True, timeout=60
        )
        assert done.stdout.strip() == expected, done.stderr
