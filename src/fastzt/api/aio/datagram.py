"""DatagramTransport: a UDP socket of a network as an asyncio.DatagramTransport."""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...netstack.socket_table import WRITABLE
from .. import addresses
from ..datagram import ANY, better
from .facts import EVERYWHERE
from .flow_control import FlowControl

if TYPE_CHECKING:
    from ...io.loop_driver import LoopDriver
    from ...netstack.udp import Address, UdpEndpoint

BURST = 64  # datagrams given to the protocol at a wake-up


class DatagramTransport(asyncio.DatagramTransport):
    """Made by `Network.create_datagram_endpoint`. What was sent before `close` still leaves."""

    def __init__(self, driver: LoopDriver, endpoint: UdpEndpoint, protocol: asyncio.DatagramProtocol) -> None:
        super().__init__()
        self._driver = driver
        self._loop = driver.loop
        self._endpoint = endpoint
        self._id = endpoint.id
        self._protocol = protocol
        self._waiting: deque[tuple[bytes, Address | None]] = deque()
        self._waiting_size = 0
        self._flow = FlowControl(driver.loop, self)
        self._begun = self._closing = self._ended = False
        self.started: asyncio.Future[None] = self._loop.create_future()
        driver.watchers.add(self._id, self._ready)
        self._loop.call_soon(self._begin)

    def __repr__(self) -> str:
        state = "closed" if self._ended else "closing" if self._closing else f"port={self._endpoint.port}"
        return f"<fastzt.aio.DatagramTransport {state}>"

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`sockname`, `peername`; the default for others."""
        remote = self._endpoint.remote
        if name == "peername" and remote is not None:
            return addresses.socket_address(*remote)
        if name == "sockname":
            ip, port = self._endpoint.local_address
            return (EVERYWHERE, port) if ip == ANY else addresses.socket_address(ip, port)
        return default

    def _begin(self) -> None:
        try:
            if not self._ended:
                self._protocol.connection_made(self)
        finally:
            self._begun = True
            if not self.started.done():
                self.started.set_result(None)
        self._receive()

    def _ready(self, bits: int) -> None:
        if self._driver.closed:
            self._end(OSError(errno.EBADF, "the node is closed"))
        if bits & WRITABLE:
            self._send_waiting()
        if bits & ~WRITABLE:
            self._receive()

    # In

    def _receive(self) -> None:
        for _ in range(BURST):
            if self._closing or not self._begun:
                return
            try:
                found = self._driver.run(lambda now: self._endpoint.receive())
            except OSError as error:
                if not self._take(error):
                    return
                continue
            if found is None:
                return
            self._protocol.datagram_received(found[0], addresses.socket_address(*found[1]))
        self._loop.call_soon(self._receive)

    def _take(self, error: OSError) -> bool:
        """An error of an earlier datagram is the protocol's; the end of the socket is ours: False."""
        if self._endpoint.closed or self._endpoint.down:
            self._end(better(error))
            return False
        self._protocol.error_received(better(error))
        return True

    # Out

    def sendto(self, data: Any, addr: Any = None) -> None:
        """Send a datagram to (address, port), or where it is connected to; never blocks.

        The address is an IP's: looking up a name would block.
        """
        if self._closing:
            return
        packed = bytes(data)
        remote = None if addr is None else self._remote(addr)
        if self._endpoint.remote is not None and remote not in (None, self._endpoint.remote):
            raise ValueError(f"{addr!r} is not the address that this socket is connected to")
        if self._waiting or not self._send(packed, remote):
            self._waiting.append((packed, remote))
            self._waiting_size += len(packed)
            self._flow.update(self._waiting_size, self._protocol)

    def _remote(self, addr: Any) -> Address:
        host, port = addresses.pair(addr)
        ip = addresses.literal(host)
        if ip is None:
            raise InputError(f"{host!r} is a name: resolve it first")
        return ip, port

    def _send(self, data: bytes, remote: Address | None) -> bool:
        """False when there is no room now."""
        try:
            return self._driver.run(lambda now: self._endpoint.send(data, remote, now))
        except OSError as error:
            self._take(error)
            return True

    def _send_waiting(self) -> None:
        while self._waiting and self._send(*self._waiting[0]):
            if not self._waiting:  # the end has come
                return
            self._waiting_size -= len(self._waiting.popleft()[0])
        self._flow.update(self._waiting_size, self._protocol)
        if self._closing and not self._waiting:
            self._end(None)

    def get_write_buffer_size(self) -> int:
        """Bytes that wait."""
        return self._waiting_size

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """(low, high)."""
        return self._flow.low, self._flow.high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Above `high` waiting bytes the protocol is paused, from `low` on it is resumed."""
        self._flow.set(high, low)
        self._flow.update(self._waiting_size, self._protocol)

    # The protocol and the end

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """From now on, this protocol."""
        self._protocol = protocol  # type: ignore[assignment]

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol."""
        return self._protocol

    def is_closing(self) -> bool:
        """Whether it is closing or closed."""
        return self._closing

    def close(self) -> None:
        """Receive no more; end when what waits has been sent."""
        if self._closing:
            return
        self._closing = True
        if not self._waiting:
            self._end(None)

    def abort(self) -> None:
        """End at once."""
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        if self._ended:
            return
        self._closing = self._ended = True
        self._waiting.clear()
        self._waiting_size = 0
        self._driver.watchers.remove(self._id, self._ready)
        if not self._driver.closed and not self._driver.forked:
            self._driver.run(self._endpoint.close)
        self._loop.call_soon(self._protocol.connection_lost, error)
