"""The documents: what they link to and name exists; the README holds two commands of one line each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|pxd|h|json|md))`")


def place(name: str) -> bool:
    """Whether a path named in a document is there, from the root of the repository or of the package."""
    return any((base / name).exists() for base in (ROOT, ROOT / "src", ROOT / "src/fastzt"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    links = [link for link in LINK.findall(path.read_text()) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(path: Path) -> None:
    named = NAMED.findall(path.read_text())
    assert [name for name in named if not place(name) and name != "benchmarks/peers.py"] == []


def test_the_readme_has_two_commands_for_a_fresh_machine() -> None:
    lines = [line for line in (ROOT / "README.md").read_text().splitlines() if "-m venv" in line]
    demo, tests = lines
    for line in lines:
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert demo.endswith(" && .venv/bin/fastzt demo")
    assert tests.endswith(" && .venv/bin/python -m pytest -n auto")
