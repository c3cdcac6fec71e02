"""StreamTransport: a TCP connection of a network as an asyncio.Transport."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from .conduit import Conduit
from .facts import ConnectionFacts
from .flow_control import FlowControl

if TYPE_CHECKING:
    from ...io.loop_driver import LoopDriver
    from ...netstack.tcp.connection import Connection

MANY = 5  # ignored writes after which it warns, once


class Owner(Protocol):
    """Who wants to know of a transport's beginning and end: a server."""

    def attach(self, transport: StreamTransport) -> None:
        """It has begun."""

    def detach(self, transport: StreamTransport) -> None:
        """It has ended."""


class StreamTransport(asyncio.Transport):
    """Reads while the protocol wants it; what the connection's send buffer does not take waits here.

    `started`: a future that is done once the protocol has heard `connection_made`. `conduit` does the work.
    """

    _start_tls_compatible = True  # loop.start_tls asks for it

    def __init__(
        self,
        driver: LoopDriver,
        connection: Connection,
        protocol: asyncio.BaseProtocol,
        owner: Owner | None = None,
    ) -> None:
        super().__init__(ConnectionFacts(driver, connection).extra())
        self._flow = FlowControl(driver.loop, self)
        self._ignored_writes = 0
        self.conduit = Conduit(self, driver, connection, self._flow, owner)
        self.conduit.set_protocol(protocol)
        self.started = self.conduit.started
        driver.watchers.add(connection.id, self.conduit.ready)
        if owner is not None:
            owner.attach(self)
        driver.loop.call_soon(self.conduit.begin)

    def __repr__(self) -> str:
        conduit = self.conduit
        state = "closed" if conduit.ended else "closing" if conduit.closing else "open"
        peer = self.get_extra_info("peername")
        return f"<fastzt.aio.StreamTransport {self.get_extra_info('sockname')} -> {peer} {state}>"

    # The protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """From now on, this protocol."""
        self.conduit.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol."""
        return self.conduit.protocol  # type: ignore[no-any-return]

    # In

    def is_reading(self) -> bool:
        """Whether the protocol is given what arrives."""
        return not self.conduit.closing and not self.conduit.paused

    def pause_reading(self) -> None:
        """Give the protocol nothing; once the receive window is full, the peer stops."""
        self.conduit.pause()

    def resume_reading(self) -> None:
        """Give the protocol what arrives."""
        self.conduit.resume()

    # Out

    def write(self, data: Any) -> None:
        """Send; never blocks. The protocol is paused when too much waits."""
        if not self.conduit.write(data):
            self._ignored_writes += 1
            if self._ignored_writes == MANY:
                warnings.warn("data was written to a connection that is lost", RuntimeWarning, stacklevel=2)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """Send pieces one behind the other."""
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        """Bytes that wait here; what the connection has taken is not among them."""
        return self.conduit.waiting_size

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """(low, high)."""
        return self._flow.low, self._flow.high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Above `high` waiting bytes the protocol is paused, from `low` on it is resumed."""
        self._flow.set(high, low)
        if self.conduit.begun:
            self._flow.update(self.conduit.waiting_size, self.conduit.protocol)

    def can_write_eof(self) -> bool:
        """It can."""
        return True

    def write_eof(self) -> None:
        """End our direction behind what was written; the peer may still send."""
        self.conduit.write_eof()

    # The end

    def is_closing(self) -> bool:
        """Whether it is closing or closed."""
        return self.conduit.closing

    def close(self) -> None:
        """Read no more; end in order when what was written has been sent."""
        self.conduit.close()

    def abort(self) -> None:
        """End at once by a reset; what waits is lost."""
        self.conduit.end(None, True)

    def _force_close(self, exc: Exception | None) -> None:
        """What asyncio's TLS calls after a failure."""
        self.conduit.end(exc, True)
