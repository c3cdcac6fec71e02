"""Datagrams: what comes to one socket goes on from sockets of which each sender has one of its own."""

from __future__ import annotations

import contextlib
import errno
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

from ..api.closing import Closing

IDLE = 60.0  # seconds without a datagram after which a sender's socket is closed
MAX_SENDERS = 256
MAX_DATAGRAM = 65535


class Back(Protocol):
    """A connected datagram socket of either side."""

    def send(self, data: bytes, /) -> int:
        """Send a datagram."""

    def recv(self, size: int, /) -> bytes:
        """The next one."""

    def settimeout(self, value: float | None, /) -> None:
        """Bound `recv`."""

    def close(self) -> None:
        """End it."""


class Flow:
    """One sender."""

    def __init__(self, address: Any, back: Back) -> None:
        self.address = address
        self.back = back
        self.last = time.monotonic()


class Datagrams(Closing):
    """Forwards from `front`, a bound datagram socket, until closed; `open_back()` gives a connected one.

    At most `most` senders are kept, the least recent gives way.
    """

    def __init__(
        self,
        front: Any,
        open_back: Callable[[], Back],
        report: Callable[[str], None],
        idle: float = IDLE,
        most: int = MAX_SENDERS,
    ) -> None:
        self._front = front
        self._open_back = open_back
        self._report = report
        self._idle = idle
        self._most = most
        self._flows: OrderedDict[Any, Flow] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False
        threading.Thread(target=self._run, name="fastzt-datagrams", daemon=True).start()

    def _run(self) -> None:
        while not self._closed:
            try:
                data, address = self._front.recvfrom(MAX_DATAGRAM)
                flow = self._flow(address)
            except ConnectionError:
                continue  # an answer that nobody took (ICMP)
            except OSError as error:
                if self._closed or error.errno == errno.EBADF:
                    return
                self._report(f"UDP: {error}")
                continue
            flow.last = time.monotonic()
            with contextlib.suppress(OSError):
                flow.back.send(data)

    def _flow(self, address: Any) -> Flow:
        with self._lock:
            flow = self._flows.get(address)
            if flow is not None:
                self._flows.move_to_end(address)
                return flow
            while len(self._flows) >= self._most:
                self._flows.popitem(last=False)[1].back.close()
        flow = Flow(address, self._open_back())
        flow.back.settimeout(self._idle)
        with self._lock:
            self._flows[address] = flow
        threading.Thread(target=self._answers, args=(flow,), name="fastzt-datagrams", daemon=True).start()
        return flow

    def _answers(self, flow: Flow) -> None:
        """What comes back for one sender, until it has been silent for long."""
        while not self._closed:
            try:
                data = flow.back.recv(MAX_DATAGRAM)
            except TimeoutError:
                if time.monotonic() - flow.last >= self._idle:
                    break
                continue
            except ConnectionError:
                continue
            except OSError:
                break
            flow.last = time.monotonic()
            with contextlib.suppress(OSError):
                self._front.sendto(data, flow.address)
        with self._lock:
            if self._flows.get(flow.address) is flow:
                del self._flows[flow.address]
        flow.back.close()

    def close(self) -> None:
        """Forward no more."""
        self._closed = True
        self._front.close()
        with self._lock:
            for flow in self._flows.values():
                flow.back.close()
            self._flows.clear()
