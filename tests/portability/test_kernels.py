"""The kernels by themselves, compiled for each target and run at each level, against vectors and twin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import fastzt

from .cases import Case, everything, others
from .targets import CONSTANT_TIME, SECRET_USED, TARGETS, Target, answers, run

# Interpreted, there is no other code to test.
pytestmark = pytest.mark.skipif(not fastzt.is_compiled(), reason="the kernels belong to the compiled build")
RUNS = [(target, level) for target in TARGETS for level in target.levels]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return everything()


def check(target: Target, level: str, directory: Path, cases: list[Case]) -> None:
    given = answers(target, level, directory, [line for line, _ in cases])
    assert len(given) == len(cases)
    wrong = [line[:90] for (line, right), found in zip(cases, given, strict=True) if found != right]
    assert not wrong, f"{len(wrong)} of {len(cases)}, the first: {wrong[0]}"


@pytest.mark.parametrize(("target", "level"), RUNS, ids=[f"{target.name}-{level}" for target, level in RUNS])
def test_target(target: Target, level: str, directory: Path, cases: list[Case]) -> None:
    # Under the tools that slow a program down by a factor of 30 or more, every fourth case is enough.
    check(target, level, directory, cases[::4] if target.runner else cases)


@pytest.mark.parametrize("target", [t for t in TARGETS if t.name != "constant-time"], ids=lambda t: t.name)
def test_other_kernels(target: Target, directory: Path) -> None:
    check(target, target.levels[-1] if target.name != "native" else "portable", directory, list(others()))


def test_a_branch_on_a_secret_is_found(directory: Path) -> None:
    """Suite 1 is decrypted if it verifies: unless told that this may be known, valgrind complains."""
    naive = replace(CONSTANT_TIME, name="naive", flags=(*CONSTANT_TIME.flags, "-DWITHOUT_DECLASSIFY"))
    line = f"open {'11' * 96} 60 1 60 {'00' * 18}08{'00' * 41}"
    assert run(naive, "sse2", directory, [line]).returncode == SECRET_USED
