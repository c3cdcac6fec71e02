"""Happy Eyeballs (RFC 8305): to a host with several addresses, the connection that is there first."""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Iterable
from itertools import zip_longest
from typing import TYPE_CHECKING

from .addresses import host_text, is_v4
from .socket import connect_error

if TYPE_CHECKING:
    from ..netstack.tcp.connection import Connection
    from ..node.core import Core

ATTEMPT_DELAY = 0.25  # seconds between the beginnings of two attempts (RFC 8305 section 5)
MAX_ATTEMPTS = 32  # addresses of one host that are tried
# Prefixes, their bits and their precedence: the policy table of RFC 6724 section 2.1.
_POLICY = (
    ("00000000000000000000000000000001", 128, 50),
    ("00000000000000000000ffff00000000", 96, 35),
    ("00000000000000000000000000000000", 96, 1),
    ("20010000000000000000000000000000", 32, 5),
    ("20020000000000000000000000000000", 16, 30),
    ("3ffe0000000000000000000000000000", 16, 1),
    ("fec00000000000000000000000000000", 10, 1),
    ("fc000000000000000000000000000000", 7, 3),
)
_OTHERS = 40

Candidate = tuple[int, bytes]  # network, 16-byte address


def precedence(ip: bytes) -> int:
    """How much a 16-byte address is preferred: above all global IPv6, then IPv4, then unique local IPv6."""
    number = int.from_bytes(ip, "big")
    for prefix, bits, found in _POLICY:
        if (number ^ int(prefix, 16)) >> (128 - bits) == 0:
            return found
    return _OTHERS


def order(hosts: Iterable[bytes]) -> list[bytes]:
    """The addresses of a host in the order to try them: by preference, the families in turn (section 4)."""
    ranked = list(dict.fromkeys(hosts))
    if len(ranked) < 2:
        return ranked
    ranked.sort(key=precedence, reverse=True)
    first = [ip for ip in ranked if is_v4(ip) == is_v4(ranked[0])]
    second = [ip for ip in ranked if is_v4(ip) != is_v4(ranked[0])]
    return [ip for both in zip_longest(first, second) for ip in both if ip is not None][:MAX_ATTEMPTS]


class Race:
    """Attempts to reach one of `candidates`, in their order. It neither waits nor reads a clock.

    Each begins ATTEMPT_DELAY after the one before, or as soon as all before have failed.
    """

    def __init__(self, core: Core, candidates: Iterable[Candidate], port: int) -> None:
        self.core = core
        self.port = port
        self.waiting = deque(candidates)
        self.where = " or ".join(host_text(ip) for _, ip in self.waiting)
        self.running: list[Connection] = []
        self.due = 0  # when the next attempt begins (microseconds)
        self.failure: OSError | None = None

    def step(self, now: int) -> Connection | None:
        """Begin what is due; the connection that has won. Raises the last failure when all have failed."""
        for connection in list(self.running):
            if connection.connected or connection.error == errno.ECONNRESET:  # only then was it established
                return connection
            if connection.error:
                self.running.remove(connection)
                self.failed(connection.error, connection.remote)
                connection.close(now)
        while self.waiting and (now >= self.due or not self.running):
            self.begin(now)
        if not self.running and self.failure is not None:
            raise self.failure
        return None

    def begin(self, now: int) -> None:
        """The next attempt."""
        nwid, ip = self.waiting.popleft()
        self.due = now + int(ATTEMPT_DELAY * 1e6)
        try:
            self.running.append(self.core.connect(nwid, ip, self.port, now))
        except OSError as error:
            self.failure = error

    def failed(self, number: int, ip: bytes) -> None:
        """An attempt has ended; its failure counts if no other succeeds."""
        self.failure = connect_error(number, f"{host_text(ip)} port {self.port}")

    def patience(self, left: float | None) -> float | None:
        """For how long to wait (seconds) until the next attempt is due, when `left` is what there is."""
        if not self.waiting:
            return left
        return ATTEMPT_DELAY if left is None else min(left, ATTEMPT_DELAY)

    def late(self, start: float) -> TimeoutError:
        """Time is up."""
        seconds = time.monotonic() - start
        return TimeoutError(f"no connection to {self.where} port {self.port} within {seconds:.1f} s")

    def cancel(self, now: int, winner: Connection | None = None) -> None:
        """End the attempts under way, except the one that has won."""
        for connection in self.running:
            if connection is not winner:
                connection.abort(now)
                connection.close(now)  # which frees its entry among the sockets
        self.running.clear()
        self.waiting.clear()
