"""The programs of docs/asyncio.md run, against a server that they would find on the network."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.nodes import LOOPBACK, SECRETS, Lab, lab

import fastzt

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "asyncio.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)
STREAMS, SERVER, TRIO = range(3)


@pytest.fixture(scope="module")
def made() -> Iterator[Lab]:
    with lab() as found:
        yield found


@pytest.fixture(scope="module")
def member(made: Lab) -> fastzt.Node:
    return made.node(1)


class Reader:
    """A member with threads, its network, and the program's arguments."""

    def __init__(self, made: Lab, node: fastzt.Node, directory: Path, number: int) -> None:
        self.server = made.server
        self.nwid = made.network(f"10.121.{40 + number}", private=False)
        self.net = node.join(self.nwid)
        self.host = str(self.net.addresses[0].ip)
        self.state = directory / "state"
        self.state.mkdir(0o700)
        secret = self.state / "identity.secret"  # making one takes the interpreted build half a minute
        secret.touch(0o600)
        secret.write_text(SECRETS[number])
        self.planet = directory / "planet"
        self.planet.write_bytes(made.planet)

    def program(self, block: int, host: str) -> subprocess.Popen[str]:
        """A block as a program of its own, with a planet on the loopback interface."""
        head = (
            "import fastzt, fastzt.aio, functools\n"
            "from fastzt.node.config import NodeConfig\n"
            f"STATE, NETWORK, HOST = {str(self.state)!r}, {self.nwid!r}, {host!r}\n"
            f"given = dict(planet={str(self.planet)!r}, config=NodeConfig(bind=('127.0.0.1',)))\n"
            "fastzt.Node = functools.partial(fastzt.Node, **given)\n"
            "fastzt.aio.Node = functools.partial(fastzt.aio.Node, **given)\n"
        )
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", head + BLOCKS[block]],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def test_there_are_three() -> None:
    assert len(BLOCKS) == 3
    assert LOOPBACK.bind == ("127.0.0.1",)


def shout(listener: fastzt.Listener) -> None:
    conn, _ = listener.accept()
    with conn:
        conn.sendall(conn.recv(100).upper())
        conn.recv(1)


@pytest.mark.parametrize("block", [STREAMS, TRIO])
def test_clients(made: Lab, member: fastzt.Node, tmp_path: Path, block: int) -> None:
    reader = Reader(made, member, tmp_path, 2 + block)
    with reader.net.listen(7000) as listener:
        listener.settimeout(100)
        thread = threading.Thread(target=shout, args=(listener,))
        thread.start()
        out, err = reader.program(block, reader.host).communicate(timeout=100)
        thread.join(100)
    assert err == ""
    assert out.splitlines()[-1] == repr(b"HELLO\n")


def test_the_server(made: Lab, member: fastzt.Node, tmp_path: Path) -> None:
    reader = Reader(made, member, tmp_path, 5)
    process = reader.program(SERVER, "")
    try:
        answer = asyncio.run(asyncio.wait_for(ask(reader), 100))
    finally:
        process.kill()
        process.communicate(timeout=100)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"hello")


async def ask(reader: Reader) -> bytes:
    """Until the server is there: its address is that of the network's other member."""
    while True:
        for host in await asyncio.to_thread(others, reader):
            with contextlib.suppress(OSError):
                return await asyncio.to_thread(fetch, reader, host)
        await asyncio.sleep(0.1)


def others(reader: Reader) -> list[str]:
    """The addresses that the network's controller has given to other members."""
    records = reader.server.perform(lambda core, now: core.controller.members(int(reader.nwid, 16)))
    given = [text.partition("/")[0] for record in records for text in record["ipAssignments"]]
    return [host for host in given if host != reader.host]


def fetch(reader: Reader, host: str) -> bytes:
    """One request by HTTP/1.0."""
    with reader.net.connect((host, 8080), timeout=5) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while data := sock.recv(65536):
            answer += data
        return answer
