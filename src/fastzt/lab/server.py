"""A member in a process of its own that serves HTTP: `python -m fastzt.lab.server`, told what to do on stdin.

One JSON line comes in (state, planet, network, port, overlay); one goes out when the node exists
({"node": ...}) and one when it listens ({"address": ...}). It ends when stdin does.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..api.closing import Closing
from ..api.node import Node
from ..node.config import NodeConfig
from .network import HOST

if TYPE_CHECKING:
    from ..api.socket import Socket

GREETING = b"Hello from the other side of the network.\n"
BLOCK = 1 << 18
MAX_HEAD = 16384
MAX_BODY = 1 << 34


def pattern(size: int) -> Iterator[bytes]:
    """`size` bytes that follow from their number alone, in blocks."""
    block = b"".join(hashlib.sha512(i.to_bytes(4, "big")).digest() for i in range(BLOCK // 64))
    while size > 0:
        yield block[:size]
        size -= BLOCK


def request_path(connection: Socket) -> str:
    """The path of one GET request, empty when there was none."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < MAX_HEAD:
        data = connection.recv(4096)
        if not data:
            return ""
        head += data
    parts = head.split(b" ", 2)
    return parts[1].decode("latin-1") if len(parts) == 3 and parts[0] == b"GET" else ""


def answer(connection: Socket) -> None:
    """`/` greets, `/bytes/N` sends N patterned bytes; one request a connection."""
    with connection:
        path = request_path(connection)
        if path.startswith("/bytes/") and path[7:].isdigit() and int(path[7:]) <= MAX_BODY:
            send_head(connection, HTTPStatus.OK, int(path[7:]))
            for block in pattern(int(path[7:])):
                connection.sendall(block)
        elif path == "/":
            send_head(connection, HTTPStatus.OK, len(GREETING))
            connection.sendall(GREETING)
        elif path:
            send_head(connection, HTTPStatus.NOT_FOUND, 0)


def send_head(connection: Socket, status: HTTPStatus, length: int) -> None:
    """Status line and headers."""
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode())


def tell(fact: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


def serve(order: dict[str, Any]) -> None:
    """Join, listen, answer; returns only by an exception."""
    config = NodeConfig(bind=(HOST,))
    if order["overlay"] is not None:
        own = {"port": order["overlay"]["port"], "identity": order["overlay"]["identity"], "peers": []}
    else:
        own = {"planet": bytes.fromhex(order["planet"])}
    with Node(order["state"], config=config, **own) as node:
        tell({"node": node.id})
        net = node.join(order["network"], timeout=60, wait=True)
        with net.listen(order["port"]) as listener:
            tell({"address": str(next(a for a in net.addresses if a.version == 4).ip)})
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=survive, args=(connection,), daemon=True).start()


def survive(connection: Socket) -> None:
    """Answer; a client that goes away is its own affair."""
    try:
        answer(connection)
    except OSError as error:
        print(f"fastzt.lab.server: {error}", file=sys.stderr)


class Server(Closing):
    """The server's process; `node` and `address` block until it says so. A context manager.

    `overlay`: UDP port and identity (with its secret) of an overlay's node, which needs no planet.
    """

    def __init__(
        self,
        state: Path,
        planet: bytes,
        network: str,
        port: int = 80,
        overlay: dict[str, Any] | None = None,
    ) -> None:
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fastzt.lab.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        order: dict[str, Any] = {
            "state": str(state),
            "planet": planet.hex(),
            "network": network,
            "port": port,
        }
        order["overlay"] = overlay
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def told(self, name: str) -> str:
        """The next fact it tells; raises OSError when it ends instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise OSError("the serving member ended before it was ready")
        return str(json.loads(line)[name])

    def close(self) -> None:
        """End the process."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def main() -> None:
    """Serve in the background of waiting for stdin to end."""
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=serve, args=(order,), daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
