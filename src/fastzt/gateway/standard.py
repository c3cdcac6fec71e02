"""Standard input and output joined to a socket of a network, both ways, with half-close: what nc does."""

from __future__ import annotations

import contextlib
import os
import socket as system
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..api.datagram import DatagramSocket
    from ..api.socket import Socket

BLOCK = 1 << 18
MAX_DATAGRAM = 65507


class Idle:
    """Ends what has been idle for too long; `idle` in seconds, None for never."""

    def __init__(self, idle: float | None) -> None:
        self.idle = idle
        self.last = time.monotonic()

    def touch(self) -> None:
        """Something moved."""
        self.last = time.monotonic()

    def left(self) -> float | None:
        """Seconds until the end, at least a little."""
        return None if self.idle is None else max(self.idle - (time.monotonic() - self.last), 0.001)

    def is_over(self) -> bool:
        """Whether it has been idle for too long."""
        return self.idle is not None and time.monotonic() - self.last >= self.idle


def write_all(descriptor: int, data: Any) -> None:
    """All of the data; raises BrokenPipeError when nobody reads any more."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def end_output(descriptor: int) -> None:
    """Whoever reads the output sees its end; what this process still writes there is lost."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def stream(socket: Socket, idle: float | None = None, source: int = 0, target: int = 1) -> None:
    """Copy both ways until both directions have ended; on a terminal, until the peer ends its own.

    The end of one direction is passed on, so what reads the output sees it while input is still sent. Raises
    OSError for a broken connection, TimeoutError when nothing moved for `idle` seconds.
    """
    clock = Idle(idle)
    failure: list[OSError] = []

    def send() -> None:
        try:
            while data := os.read(source, BLOCK):
                clock.touch()
                socket.sendall(data)
            socket.shutdown(system.SHUT_WR)
        except OSError as error:
            failure.append(error)

    socket.settimeout(idle)
    sender = threading.Thread(target=send, name="fastzt-stdin", daemon=True)
    sender.start()
    buffer = bytearray(BLOCK)
    view = memoryview(buffer)
    while True:
        try:
            n = socket.recv_into(buffer)
        except TimeoutError:
            if clock.is_over():
                raise TimeoutError(f"nothing came or went for {idle:g} s") from None
            continue
        if n == 0:
            break
        clock.touch()
        write_all(target, view[:n])
    end_output(target)
    if not os.isatty(source):
        sender.join()
    for error in failure:
        if not isinstance(error, BrokenPipeError):
            raise error


def datagrams(
    socket: DatagramSocket, peer: Any, idle: float | None = None, source: int = 0, target: int = 1
) -> None:
    """Each read of the input is a datagram to `peer` (None: whoever sent last); what comes is written.

    Ends after `idle` seconds without a datagram; None: at the end of the input.
    """
    clock = Idle(idle)
    where = [peer]
    heard = threading.Event()
    ended = threading.Event()

    def send() -> None:
        with contextlib.suppress(OSError):
            while data := os.read(source, MAX_DATAGRAM):
                if where[0] is None:
                    heard.wait()
                clock.touch()
                socket.sendto(data, where[0])
        ended.set()
        if idle is None:
            socket.close()

    threading.Thread(target=send, name="fastzt-stdin", daemon=True).start()
    while True:
        socket.settimeout(clock.left())
        try:
            data, address = socket.recvfrom(MAX_DATAGRAM)
        except TimeoutError:
            if clock.is_over():
                return
            continue
        except OSError:
            if ended.is_set():
                return
            raise
        clock.touch()
        if peer is None:
            where[0] = address
            heard.set()
        write_all(target, data)
