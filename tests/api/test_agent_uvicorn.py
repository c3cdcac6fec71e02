"""A prefork server on one address of a network: uvicorn workers accept what the agent hands over."""

from __future__ import annotations

import collections
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.agents import PATIENCE, AgentHouse, agent_house

import fastzt

REQUESTS = 10_000 if fastzt.is_compiled() else 1_000
CLIENTS = 8
KEPT = 5  # requests of one connection
APP = """
import os

async def app(scope, receive, send):
    body = b"%d %s" % (os.getpid(), scope["path"].encode())
    head = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})
"""
SERVER = """
import sys

import fastzt
import uvicorn

if __name__ == "__main__":
    net = fastzt.Node(agent=sys.argv[1]).join(sys.argv[2], timeout=60)
    listener = net.listen(80)
    print(net.addresses[0].ip, flush=True)
    uvicorn.run("served:app", fd=listener.fileno(), workers=4, lifespan="off", log_level="error")
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[AgentHouse]:
    with agent_house(tmp_path) as house:
        yield house


class Clients:
    """Ask for numbered pages, some on each connection, until `REQUESTS` were asked for; who answered."""

    def __init__(self, net: fastzt.Network, address: str) -> None:
        self.net = net
        self.address = address
        self.lock = threading.Lock()
        self.next = 0
        self.answered: collections.Counter[int] = collections.Counter()
        self.lost: list[tuple[int, BaseException]] = []
        self.wrong: list[bytes] = []
        self.half = threading.Event()

    def take(self) -> int | None:
        with self.lock:
            if self.next >= REQUESTS:
                return None
            self.next += 1
            if self.next == REQUESTS // 2:
                self.half.set()
            return self.next

    def run(self) -> None:
        number = self.take()
        while number is not None:
            try:
                with (
                    self.net.connect((self.address, 80), timeout=PATIENCE) as sock,
                    sock.makefile("rb") as stream,
                ):
                    for _ in range(KEPT):
                        self.ask(sock, stream, number)
                        number = self.take()
                        if number is None:
                            return
            except OSError as error:
                with self.lock:
                    self.lost.append((number or 0, error))
                number = self.take()

    def ask(self, sock: Any, stream: Any, number: int) -> None:
        sock.sendall(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
        status = stream.readline()
        if not status:
            raise ConnectionError("closed before the answer")
        length = 0
        while (line := stream.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = stream.read(length)
        if len(body) < length or length == 0:
            raise ConnectionError("closed within the answer")
        pid, path = body.split()
        with self.lock:
            if status != b"HTTP/1.1 200 OK\r\n" or path != b"/%d" % number:
                self.wrong.append(status + body)
            self.answered[int(pid)] += 1


@pytest.mark.timeout(600)
def test_four_workers_one_killed(house: AgentHouse, tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(APP)
    (tmp_path / "server.py").write_text(SERVER)
    house.agent(1)
    far = house.lab.node(2).join(house.network, timeout=PATIENCE)
    command = [sys.executable, "server.py", str(house.state(1)), house.network]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            clients = Clients(far, server.stdout.readline().strip())
            threads = [threading.Thread(target=clients.run) for _ in range(CLIENTS)]
            for thread in threads:
                thread.start()
            assert clients.half.wait(4 * PATIENCE)
            with clients.lock:
                victim = clients.answered.most_common(1)[0][0]
            os.kill(victim, signal.SIGKILL)
            for thread in threads:
                thread.join(4 * PATIENCE)
        finally:
            server.terminate()
            server.wait(PATIENCE)
    answered = sum(clients.answered.values())
    assert clients.wrong == []
    assert answered + len(clients.lost) == REQUESTS
    assert len(clients.lost) <= CLIENTS, clients.lost  # what the victim had in its hands
    assert len(clients.answered) >= 4
