"""fastzt.connect: the default node, and the size of its start."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.nodes import SECRETS, lab

import fastzt
from fastzt.api import default

WARM = """
import sys, fastzt
s = fastzt.connect((sys.argv[1], int(sys.argv[2])), network=sys.argv[3], timeout=30)
s.sendall(b"hello")
assert s.recv(5) == b"world"
s.close()
"""


IMPATIENT = """
import threading, fastzt
from fastzt.api import default

def connect():
    fastzt.connect(("10.121.15.1", 80), network="9ad07d01093a69e3")

threading.Thread(target=connect, daemon=True).start()
while default._starting is None:
    threading.Event().wait(0.001)
"""


def test_connect_joins_and_connects_and_the_next_process_does_too(tmp_path: Path) -> None:
    with lab() as house:
        nwid = house.network(private=False)
        net = house.server.join(nwid)
        planet = tmp_path / "planet.bin"
        planet.write_bytes(house.planet)
        environment = {**os.environ, "FASTZT_STATE": str(tmp_path / "state"), "FASTZT_PLANET": str(planet)}
        served = []
        if not fastzt.is_compiled():  # making an identity takes a minute
            (tmp_path / "state").mkdir()
            (tmp_path / "state" / "identity.secret").write_text(SECRETS[1])

        def serve() -> None:
            for _ in range(2):
                conn, _ = listener.accept()
                conn.settimeout(60)
                served.append(conn.peer_id)
                conn.recv(5)
                conn.sendall(b"world")
                conn.close()

        with net.listen(0) as listener:
            listener.settimeout(60)
            thread = threading.Thread(target=serve)
            thread.start()
            command = [sys.executable, "-c", WARM, str(net.addresses[0].ip), str(listener.port), nwid]
            for _ in range(2):
                subprocess.run(command, env=environment, check=True, timeout=90)
            thread.join(60)
    assert len(served) == 2
    assert len(set(served)) == 1


def test_the_end_of_a_process_waits_for_no_identity(tmp_path: Path) -> None:
    """Interpreted it takes long to make one."""
    environment = {**os.environ, "FASTZT_STATE": str(tmp_path / "state"), "FASTZT_PURE": "1"}
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", IMPATIENT]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
    assert (found.returncode, found.stderr) == (0, "")
    assert not (tmp_path / "state" / "identity.secret").exists()


def test_a_node_that_nobody_wants_any_more_is_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with lab() as house:
        planet = tmp_path / "planet.bin"
        planet.write_bytes(house.planet)
        monkeypatch.setenv("FASTZT_PLANET", str(planet))
        monkeypatch.setenv("FASTZT_STATE", str(tmp_path / "state"))
        (tmp_path / "state").mkdir()
        (tmp_path / "state" / "identity.secret").write_text(SECRETS[1])
        with default._guard:
            starting = default.Starting(None)
            starting.wanted = False
        with pytest.raises(OSError, match="closed"):
            starting.wait(60)
        try:
            assert default.default_node().id == SECRETS[1][:10]  # the directory is free again
        finally:
            default.close()


def test_the_state_directory_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FASTZT_STATE", str(tmp_path))
    assert default.state_directory() == tmp_path
    monkeypatch.delenv("FASTZT_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert default.state_directory().name == "fastzt"


def test_bad_input_starts_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FASTZT_STATE", str(tmp_path / "state"))
    with pytest.raises(fastzt.InputError, match="network id"):
        fastzt.connect(("10.0.0.1", 80), network="xyz")
    with pytest.raises(fastzt.InputError, match="port"):
        fastzt.connect(("10.0.0.1", 0), network="9ad07d01093a69e3")
    assert not (tmp_path / "state").exists()
