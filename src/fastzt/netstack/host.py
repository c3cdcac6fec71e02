"""Host: what a flow asks of the stack that it lives in (abstract; implemented by Stack)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.stats import Stats
from .._core.timer_wheel import TimerWheel
from .config import StackConfig
from .emitter import Emitter
from .flow_table import Flow
from .socket_table import SocketTable
from .tcp.segment import Segment
from .window_budget import WindowBudget

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython


class Host:
    """`emitter` writes packets, `wheel` keeps time, `sockets` tells the user, `stats` counts.

    `windows` bounds the sum of the receive windows.
    """

    if not cython.compiled:
        __slots__ = ("__dict__", "config", "emitter", "sockets", "stats", "wheel", "windows")

    def __init__(
        self,
        config: StackConfig,
        emitter: Emitter,
        wheel: TimerWheel,
        sockets: SocketTable,
        stats: Stats,
        windows: WindowBudget,
    ) -> None:
        self.config = config
        self.emitter = emitter
        self.wheel = wheel
        self.sockets = sockets
        self.stats = stats
        self.windows = windows

    def wake(self, flow: Flow) -> None:
        """Call the flow's `output` in the next transmit."""
        raise NotImplementedError

    def touch(self, flow: Flow) -> None:
        """Call the flow's `settle` after the batch."""
        raise NotImplementedError

    def detach(self, flow: Flow) -> None:
        """The flow has ended: its segments are nobody's from now on."""
        raise NotImplementedError

    def linger(self, flow: Flow, record: Flow, now: int) -> None:
        """The flow enters TIME-WAIT: a small record takes its place."""
        raise NotImplementedError

    def refuse(self, segment: Segment, peer: object) -> None:
        """Answer a segment that has no flow with RST."""
        raise NotImplementedError

    def opened(self, flow: Flow, segment: Segment, now: int) -> None:
        """A half-open flow's handshake is complete: make it a connection, and give that the segment."""
        raise NotImplementedError

    def may_challenge(self, now: int) -> bool:
        """Whether another challenge ACK is within the limit (RFC 5961 section 7)."""
        raise NotImplementedError
