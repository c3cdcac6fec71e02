from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli import Cli
from support.house import House
from support.nodes import lab


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    for name in ("FASTZT_STATE", "FASTZT_NETWORK", "FASTZT_PLANET", "FASTZT_JSON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Cli(capsys)


@pytest.fixture
def house(tmp_path: Path, cli: Cli) -> Iterator[House]:
    with lab() as made:
        yield House(made, tmp_path, cli)
