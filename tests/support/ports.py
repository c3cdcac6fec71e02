"""Ports that are free on the loopback interface.

The system gives none of them to a socket that asks for any port, and each of several workers has its own:
whoever is told of one finds it free some time later, and again after a break.
"""

from __future__ import annotations

import itertools
import os
import socket

FIRST, LAST = 10_000, 32_000  # below the system's own choice (ip_local_port_range)
WORKERS = 8
SHARE = (LAST - FIRST) // WORKERS

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % WORKERS
_numbers = itertools.count(os.getpid() % SHARE)


def _free(kind: socket.SocketKind) -> int:
    for number in itertools.islice(_numbers, SHARE):
        port = FIRST + _worker * SHARE + number % SHARE
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError("every port is taken")


def free_port() -> int:
    """A UDP port."""
    return _free(socket.SOCK_DGRAM)


def free_tcp_port() -> int:
    """A TCP port."""
    return _free(socket.SOCK_STREAM)
