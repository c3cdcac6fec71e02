"""What -L, -R and files of forwards say, and what they must not say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli import Cli

from fastzt.errors import InputError
from fastzt.gateway.forwards import Forward, parse, read

GOOD = {
    "80:host:81": Forward(False, "127.0.0.1", 80, "host", 81),
    "*:80:host:81": Forward(False, "", 80, "host", 81),
    "0.0.0.0:80:10.0.0.1:81/tcp": Forward(False, "0.0.0.0", 80, "10.0.0.1", 81),
    "[::1]:53:[fd00::1]:54/udp": Forward(False, "::1", 53, "fd00::1", 54, "udp"),
}
BAD = [
    "",
    "80",
    "80:host",
    "80::81",
    "0:host:81",
    "80:host:65536",
    "x:host:81",
    "80:host:81/sctp",
    "[::1:80:host:81",
    "[::1]80:host:81",
    "a:b:c:d:e",
]


@pytest.mark.parametrize("text", GOOD)
def test_notation(text: str) -> None:
    assert parse(text, exposes=False) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_what_is_none(text: str) -> None:
    with pytest.raises(InputError, match="no forward"):
        parse(text, exposes=True)


@given(st.text(st.sampled_from("0123456789:[]./*udptcp "), max_size=40))
def test_nothing_else_is_raised(text: str) -> None:
    try:
        found = parse(text, exposes=False)
    except InputError:
        return
    assert 0 < found.port < 65536


FILES = {
    "listen = 1": "TOML|unknown",
    "[[forward]]\nlisten = 80": "not host:port",
    "[[forward]]\nlisten = 80\nconnect = 'x'": "not host:port",
    "[[forward]]\nlisten = 80\nconnect = 'x:1'\nto = 1": "unknown: to",
    "[[expose]]\nlisten = 80\nconnect = '1'\nprotocol = 'sctp'": "neither tcp nor udp",
    "[forward]\nlisten = 80": "write \\[\\[forward",
    "network = 1": "not a string",
    "forward = [1]": "not a table",
    "\0": "file",
}


@pytest.mark.parametrize("text", FILES)
def test_files_that_are_wrong(text: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(InputError, match=FILES[text]):
        read(str(path))


def test_check(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_text("[[expose]]\nlisten = 80\nconnect = '8000'\n")
    shown = cli.good("forward", "--check", "-L", "1:h:2/udp", "-R", "*:3:[::1]:4", "-c", str(path))
    assert shown.splitlines() == [
        "here 127.0.0.1:1 to h:2 (UDP)",
        "network *:3 to [::1]:4 (TCP)",
        "network *:80 to 127.0.0.1:8000 (TCP)",
    ]
    assert len(cli.json("forward", "--check", "-c", str(path))["forwards"]) == 1
    assert "nothing to forward" in cli.bad("forward", "--check")
    assert "no file" in cli.bad("forward", "-c", str(tmp_path / "none"))
    assert "which network" in cli.bad("forward", "-c", str(path))
