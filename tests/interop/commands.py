"""A peer in a process of its own: JSON lines in, JSON lines out, each command in its own thread.

Both kinds of peer (the real libzt, and fastzt through its public API) answer the same commands, so a test
reads the same whichever end is which. Data of a transfer is seeded at one end and digested at the other.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

BLOCK = 1 << 16
MAX_HEAD = 1 << 16
ANSWER = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"


def blocks(seed: int, size: int) -> Iterator[bytes]:
    """`size` pseudo-random bytes in blocks."""
    source = random.Random(seed)
    while size > 0:
        n = min(BLOCK, size)
        yield source.randbytes(n)
        size -= n


def digest(seed: int, size: int) -> str:
    """SHA-256 of what `blocks` gives."""
    total = hashlib.sha256()
    for block in blocks(seed, size):
        total.update(block)
    return total.hexdigest()


class Handler:
    """Derive from it: each method `do_<name>(**arguments)` returns something JSON can say, or raises."""

    def __init__(self) -> None:
        self.ended: set[int] = set()
        self.counts: dict[int, int] = {}

    def send_all(self, handle: int, data: bytes) -> None:
        raise NotImplementedError

    def receive_some(self, handle: int) -> bytes:
        raise NotImplementedError

    def do_accept(self, handle: int) -> dict[str, Any]:
        raise NotImplementedError

    def do_connect(self, host: str, port: int, timeout: float) -> int:
        raise NotImplementedError

    def do_shutdown(self, handle: int) -> int:
        raise NotImplementedError

    def do_close(self, handle: int) -> int:
        raise NotImplementedError

    def do_send(self, handle: int, seed: int, size: int) -> dict[str, Any]:
        """Write `size` seeded bytes."""
        total = hashlib.sha256()
        for block in blocks(seed, size):
            self.send_all(handle, block)
            total.update(block)
        return {"size": size, "sha256": total.hexdigest()}

    def send_datagram(self, handle: int, data: bytes, host: str, port: int) -> None:
        raise NotImplementedError

    def receive_datagram(self, handle: int) -> tuple[bytes, str, int]:
        raise NotImplementedError

    def do_datagram(self, handle: int, seed: int, size: int, host: str, port: int) -> int:
        """Send `size` seeded bytes, at most a block."""
        self.send_datagram(handle, b"".join(blocks(seed, size)), host, port)
        return size

    def do_next_datagram(self, handle: int) -> dict[str, Any]:
        """The next datagram, and where it came from."""
        data, host, port = self.receive_datagram(handle)
        return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "host": host, "port": port}

    def do_stream(self, handle: int, seed: int) -> dict[str, Any]:
        """Write seeded bytes until `end_stream`, then no more."""
        total, count = hashlib.sha256(), 0
        for block in blocks(seed, 1 << 40):
            if handle in self.ended:
                break
            self.send_all(handle, block)
            total.update(block)
            count += len(block)
        self.do_shutdown(handle)
        return {"size": count, "sha256": total.hexdigest()}

    def do_end_stream(self, handle: int) -> int:
        """Let `stream` end."""
        self.ended.add(handle)
        return 0

    def do_received(self, handle: int) -> int:
        """How much `receive` has read so far."""
        return self.counts.get(handle, 0)

    def do_receive(self, handle: int, size: int) -> dict[str, Any]:
        """Read `size` bytes, or up to the end if it comes first."""
        total, count = hashlib.sha256(), 0
        while count < size:
            data = self.receive_some(handle)
            if not data:
                break
            total.update(data)
            count += len(data)
            self.counts[handle] = count
        return {"size": count, "sha256": total.hexdigest()}

    def do_flood(self, handle: int, seconds: float) -> int:
        """Write one block again and again for that long; how many bytes."""
        block = next(blocks(1, BLOCK))
        end, count = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            self.send_all(handle, block)
            count += len(block)
        self.do_shutdown(handle)
        return count

    def do_drain(self, handle: int) -> dict[str, float]:
        """Read to the end; bytes, and seconds from the first to the last of them."""
        count, begun = 0, 0.0
        while data := self.receive_some(handle):
            begun = begun or time.monotonic()
            count += len(data)
        return {"size": count, "seconds": time.monotonic() - begun}

    def do_write(self, handle: int, text: str) -> int:
        """Write a short text."""
        self.send_all(handle, text.encode())
        return len(text)

    def do_read(self, handle: int) -> str:
        """Whatever comes next, as text."""
        return self.receive_some(handle).decode()

    def do_turn_away(self, handle: int) -> int:
        """Accept and close whatever comes, until that fails; returns how many came."""
        for count in itertools.count():
            try:
                self.do_close(self.do_accept(handle)["handle"])
            except OSError:
                return count
        raise AssertionError

    def do_http_answer(self, handle: int, body: str) -> str:
        """Accept one connection, answer its request with `body`; the request's head."""
        accepted = self.do_accept(handle)["handle"]
        head = self.read_head(accepted)
        self.send_all(accepted, (ANSWER.format(len(body)) + body).encode())
        self.do_close(accepted)
        return head

    def do_http_get(self, host: str, port: int, path: str) -> str:
        """Send a request over a connection of its own; the whole response."""
        handle = self.do_connect(host, port, 20)
        request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        self.send_all(handle, request.encode())
        response = b""
        while data := self.receive_some(handle):
            response += data
        self.do_close(handle)
        return response.decode()

    def read_head(self, handle: int) -> str:
        data = b""
        while b"\r\n\r\n" not in data and len(data) < MAX_HEAD:
            more = self.receive_some(handle)
            if not more:
                break
            data += more
        return data.decode()


def serve(handler: Handler) -> None:
    """Answer the commands of stdin until it ends."""
    lock = threading.Lock()

    def say(answer: dict[str, Any]) -> None:
        with lock:
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()

    def run(number: int, method: Callable[..., Any], arguments: dict[str, Any]) -> None:
        try:
            say({"id": number, "ok": method(**arguments)})
        except Exception as error:
            traceback.print_exc()
            say({"id": number, "error": type(error).__name__, "text": str(error)})

    for line in sys.stdin:
        command = json.loads(line)
        method = getattr(handler, "do_" + command["do"])
        arguments = (command["id"], method, command["with"])
        threading.Thread(target=run, args=arguments, daemon=True).start()
