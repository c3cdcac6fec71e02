"""Round trips of 64 bytes, connections one after another: what a client in one thread sees."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from ...errors import FastztError
from .echo import MESSAGE

WARM_UP = 100  # round trips that do not count
UDP_TIMEOUT = 5.0
TOLERATED = 3  # failed connects in a row


def ping(sock: Any, seconds: float) -> list[int]:
    """Nanoseconds of each round trip over a stream."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = bytearray(MESSAGE)
    view = memoryview(buffer)
    recv_into, sendall = sock.recv_into, sock.sendall

    def exchange(question: bytes) -> None:
        sendall(question)
        filled = recv_into(buffer)
        while 0 < filled < MESSAGE:
            n = recv_into(view[filled:])
            filled = filled + n if n else 0
        if buffer != question:
            raise FastztError("the answer is not the question")

    return timed(exchange, seconds)


def udp_ping(sock: socket.socket, seconds: float) -> list[int]:
    """The same over a connected UDP socket of the system."""
    sock.settimeout(UDP_TIMEOUT)
    buffer = bytearray(MESSAGE)

    def exchange(question: bytes) -> None:
        sock.send(question)
        if sock.recv_into(buffer) != MESSAGE or buffer != question:
            raise FastztError("the answer is not the question")

    return timed(exchange, seconds)


def udp_echo(sock: socket.socket) -> None:
    """Send back each datagram until the socket is closed."""
    buffer = bytearray(MESSAGE)
    while True:
        try:
            n, address = sock.recvfrom_into(buffer)
        except OSError:
            return
        sock.sendto(memoryview(buffer)[:n], address)


def timed(exchange: Callable[[bytes], None], seconds: float) -> list[int]:
    """Exchange for so long, a different message each time; nanoseconds of each."""
    clock, taken = time.perf_counter_ns, []
    for number in range(WARM_UP):
        exchange(number.to_bytes(MESSAGE, "big"))
    number = WARM_UP
    begin = now = clock()
    end = begin + int(seconds * 1e9)
    while now < end:
        question = number.to_bytes(MESSAGE, "big")
        before = clock()
        exchange(question)
        now = clock()
        taken.append(now - before)
        number += 1
    return taken


def quantiles(taken: list[int]) -> dict[str, float]:
    """Median and 99th percentile in microseconds."""
    ordered = sorted(taken)
    return {
        "p50": ordered[len(ordered) // 2] / 1000,
        "p99": ordered[len(ordered) * 99 // 100] / 1000,
        "count": len(ordered),
    }


def connects(connect: Callable[[], Any], seconds: float) -> dict[str, Any]:
    """Connect, ask, hear the answer, close, one after another: how many a second, and how many failed."""
    done = failed = 0
    last: OSError | None = None
    buffer = bytearray(MESSAGE)
    begin = time.perf_counter()
    end = begin + seconds
    while time.perf_counter() < end:
        question = done.to_bytes(MESSAGE, "big")
        try:
            with connect() as sock:
                sock.sendall(question)
                filled = 0
                while filled < MESSAGE and (n := sock.recv_into(memoryview(buffer)[filled:])):
                    filled += n
        except OSError as error:
            failed += 1
            last = error
            if failed > TOLERATED and failed > done:
                raise FastztError(f"{failed} connects failed, the last one: {error}") from error
            continue
        if buffer != question:
            raise FastztError("the answer is not the question")
        done += 1
    seconds = time.perf_counter() - begin
    return {"per_second": done / seconds, "done": done, "failed": failed, "last_error": str(last or "")}
