"""Connecting: a TCP connection whose handshake runs."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING

from . import addresses
from .socket import connect_error

if TYPE_CHECKING:
    from ..io.driver import Driver
    from ..netstack.tcp.connection import Connection


class Connecting:
    """Begins to connect. Whoever waits makes `attempt`, and calls `abandon` when that comes to nothing."""

    def __init__(self, driver: Driver, nwid: int, ip: bytes, port: int) -> None:
        self._driver = driver
        self._start = time.monotonic()
        self._ip = ip
        self._port = port
        self.connection: Connection = driver.run(lambda now: driver.core.connect(nwid, ip, port, now))

    @property
    def _where(self) -> str:
        return f"{addresses.host_text(self._ip)} port {self._port}"

    def attempt(self, now: int) -> bool | None:
        """True once it is connected, reset since or not; raises the error that names the address."""
        connection = self.connection
        if connection.error == errno.ECONNRESET:
            return True  # which is for whoever reads: only an established connection is reset
        if connection.error:
            raise connect_error(connection.error, self._where)
        return True if connection.connected else None

    def late(self) -> TimeoutError:
        """Time is up."""
        seconds = time.monotonic() - self._start
        return TimeoutError(f"no connection to {self._where} within {seconds:.1f} s")

    def abandon(self) -> None:
        """Leave no half-open connection behind."""
        if not self._driver.closed and not self._driver.forked:
            self._driver.run(self._end)

    def _end(self, now: int) -> None:
        self.connection.abort(now)
        self.connection.close(now)  # which frees its entry among the sockets
