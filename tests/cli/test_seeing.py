"""--pcap, --log-format and --log-level of commands that run a node, and the trace of the environment."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import pcapng
from support.cli import Cli
from support.nodes import SECRETS, Lab, lab


@pytest.fixture
def made() -> Iterator[Lab]:
    with lab() as running:
        yield running


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    log = logging.getLogger("fastzt")
    before = log.handlers[:], log.level, log.propagate
    yield
    log.handlers[:], log.level, log.propagate = before


def status(made: Lab, tmp_path: Path, *more: str) -> list[str]:
    """A command line that runs a node for a moment."""
    (tmp_path / "planet").write_bytes(made.planet)
    state = tmp_path / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    (state / "identity.secret").write_text(SECRETS[1])
    return ["status", "--state", str(state), "--planet", str(tmp_path / "planet"), "--timeout", "60", *more]


def test_pcap(cli: Cli, made: Lab, tmp_path: Path) -> None:
    path = tmp_path / "node.pcapng"
    cli.good(*status(made, tmp_path, "--pcap", str(path)))
    packets = pcapng.read(path).on("vl1")
    assert {packet.outbound for packet in packets} == {True, False}
    assert any(f"to {made.server.id}, HELLO" in packet.comment for packet in packets)


def test_pcap_from_the_environment(
    cli: Cli, made: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "node.pcapng"
    monkeypatch.setenv("FASTZT_PCAP", str(path))
    cli.good(*status(made, tmp_path))
    assert pcapng.read(path).packets


def test_pcap_that_cannot_be_written(cli: Cli, made: Lab, tmp_path: Path) -> None:
    err = cli.bad(*status(made, tmp_path, "--pcap", str(tmp_path / "none" / "x")), expected=1)
    assert "none/x: No such file or directory" in err


def test_json_lines(cli: Cli, made: Lab, tmp_path: Path) -> None:
    code, out, err = cli(*status(made, tmp_path, "--log-format", "json", "--json"))
    assert code == 0
    node = json.loads(out)["id"]
    told = [json.loads(line) for line in err.splitlines()]
    online = next(record for record in told if record.get("event") == "Online" and record["node"] == node)
    assert online["logger"] == "fastzt.events"
    assert online["level"] == "info"
    assert online["message"] == f"{node}: Online"
    assert online["time"].endswith("+00:00")


def test_text(cli: Cli, made: Lab, tmp_path: Path) -> None:
    code, _, err = cli(*status(made, tmp_path, "--log-level", "info"))
    assert code == 0
    assert "INFO fastzt.events: " in err


def test_a_level_that_leaves_events_out(cli: Cli, made: Lab, tmp_path: Path) -> None:
    cli.good(*status(made, tmp_path, "--log-level", "warning"))


def test_the_trace_as_json_lines(
    cli: Cli, made: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTZT_TRACE", "1")
    monkeypatch.setattr(logging.getLogger("fastzt.trace"), "level", logging.NOTSET)
    code, _, err = cli(*status(made, tmp_path, "--log-format", "json"))
    assert code == 0
    told = [json.loads(line) for line in err.splitlines()]
    hello = next(r for r in told if r.get("verb") == "HELLO" and r["direction"] == "out")
    assert (hello["logger"], hello["level"]) == ("fastzt.trace.packets", "debug")
    assert hello["peer"] == made.server.id
    assert SECRETS[1].split(":")[3] not in err


def test_an_unknown_format(cli: Cli, made: Lab, tmp_path: Path) -> None:
    code, _, err = cli(*status(made, tmp_path, "--log-format", "xml"))
    assert code == 2
    assert "xml" in err
