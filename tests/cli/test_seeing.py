"""--pcap, --log-format and --log-level of commands that run a node, and the trace of the environment."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support import pcapng
from support.cli import PATIENCE, Background, Cli
from support.nodes import SECRETS, Lab, lab
from support.ports import free_port, free_tcp_port


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


def test_metrics_of_a_command_that_runs(tmp_path: Path) -> None:
    token, port = tmp_path / "token", free_tcp_port()
    token.write_text("secret of the watchers\n")
    (tmp_path / "root").mkdir(mode=0o700)
    (tmp_path / "root" / "identity.secret").write_text(SECRETS[0])
    more = ("--metrics", f"0.0.0.0:{port}", "--metrics-token-file", str(token))
    endpoint = f"127.0.0.1/{free_port()}"
    with Background("root", "--endpoint", endpoint, "--state", str(tmp_path / "root"), *more) as root:
        me = root.told()["node"]
        url = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{url}/metrics", trust_env=False, timeout=PATIENCE).status_code == 401
        shown = {"Authorization": "Bearer secret of the watchers"}
        answer = httpx.get(f"{url}/metrics", headers=shown, trust_env=False, timeout=PATIENCE)
        assert f'fastzt_up{{node="{me}"}} 1.0' in answer.text
        assert root.stop() == (0, "")


@pytest.mark.parametrize("place", ["0.0.0.0:9100", "[::]:9100"])
def test_metrics_for_others_need_a_token(cli: Cli, made: Lab, tmp_path: Path, place: str) -> None:
    assert "a token is needed" in cli.bad(*status(made, tmp_path, "--metrics", place))


@pytest.mark.parametrize("place", ["", "x", "0", "65536", "127.0.0.1", "::1:80", "1:2:3"])
def test_places_that_are_none(cli: Cli, made: Lab, tmp_path: Path, place: str) -> None:
    if place:
        assert "is no place" in cli.bad(*status(made, tmp_path, "--metrics", place))
    else:
        cli.good(*status(made, tmp_path, "--metrics", place))  # as when the variable is empty


def test_a_token_that_cannot_be_read(cli: Cli, made: Lab, tmp_path: Path) -> None:
    more = ("--metrics", f"{free_tcp_port()}", "--metrics-token-file", str(tmp_path / "none"))
    assert "none: No such file" in cli.bad(*status(made, tmp_path, *more))
    (tmp_path / "empty").touch()
    assert "empty" in cli.bad(*status(made, tmp_path, *more[:3], str(tmp_path / "empty")))
