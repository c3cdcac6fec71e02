"""Flow control towards a protocol: it is paused while too much of what it wrote waits to be sent."""

from __future__ import annotations

import asyncio

HIGH_WATER = 1 << 16


class FlowControl:
    """The write limits of a transport (asyncio.WriteTransport), which tells it the size of its buffer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.BaseTransport) -> None:
        self._loop = loop
        self._transport = transport
        self._paused = False
        self.low = self.high = 0
        self.set(None, None)

    def set(self, high: int | None, low: int | None) -> None:
        """As asyncio.WriteTransport.set_write_buffer_limits."""
        if high is None:
            high = HIGH_WATER if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self.low, self.high = low, high

    def update(self, size: int, protocol: asyncio.BaseProtocol) -> None:
        """Pause or resume the protocol's writing, if that is due with `size` bytes in the buffer."""
        if not self._paused and size > self.high:
            self._paused = True
            self._call(protocol.pause_writing, protocol)
        elif self._paused and size <= self.low:
            self._paused = False
            self._call(protocol.resume_writing, protocol)

    def _call(self, method: object, protocol: asyncio.BaseProtocol) -> None:
        try:
            method()  # type: ignore[operator]
        except Exception as error:
            self._loop.call_exception_handler(
                {
                    "message": "a protocol failed to pause or to resume writing",
                    "exception": error,
                    "transport": self._transport,
                    "protocol": protocol,
                }
            )
