"""TimeWait: what remains of a connection for 2 MSL (RFC 9293 3.3.2): a record that only acknowledges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core.stats import register
from ..flow_table import Flow
from ..host import Host
from .isn import MASK
from .segment import Segment

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core.seqnum import diff
    from ..._core.tcp_header import ACK, FIN, RST, SYN

ASSASSIN = register("tcp.time_wait_reset_ignored")


class TimeWait(Flow):
    """`send`, `receive`: positions, of which the sequence numbers (u32) stay; `deadline` is when it goes."""

    if not cython.compiled:
        __slots__ = ("deadline", "host", "receive", "send", "timestamps", "ts_offset", "ts_recent", "window")

    def __init__(self, host: Host, flow: Flow, send: int, receive: int, window: int) -> None:
        super().__init__(flow.local, flow.local_port, flow.remote, flow.remote_port, flow.peer)
        self.verdict_in = flow.verdict_in
        self.verdict_out = flow.verdict_out
        self.host = host
        self.send = send & MASK
        self.receive = receive & MASK
        self.window = window
        self.timestamps = False
        self.ts_offset = 0
        self.ts_recent = 0
        self.deadline = 0

    def keep_timestamps(self, ts_offset: int, ts_recent: int) -> None:
        """The connection used timestamps."""
        self.timestamps = True
        self.ts_offset = ts_offset
        self.ts_recent = ts_recent

    def may_reopen(self, segment: Segment) -> bool:
        """Whether a SYN begins a new connection (RFC 6191 section 2, RFC 1122 4.2.2.13)."""
        if segment.flags & (SYN | ACK | RST) != SYN:
            return False
        if self.timestamps and segment.options.has_timestamps:
            newer = diff(segment.options.ts_value, self.ts_recent)
            if newer != 0:
                return newer > 0
        return diff(segment.sequence, self.receive) > 0

    def arrives(self, segment: Segment, now: int) -> None:
        """Acknowledge whatever is repeated; a RST does not end TIME-WAIT (RFC 1337)."""
        if segment.flags & RST:
            self.host.stats.drop(ASSASSIN)
            return
        if segment.flags & FIN:
            self.deadline = now + self.host.config.time_wait
        elif segment.length == 0 and not segment.flags & SYN and diff(segment.sequence, self.receive) == 0:
            return  # a plain ACK: answering it would never end
        self.host.wake(self)

    def output(self, now: int) -> bool:
        """Send an ACK; True when the egress had no room."""
        options = self.host.emitter.options
        options.clear()
        if self.timestamps:
            options.has_timestamps = True
            options.ts_value = now // 1000 + self.ts_offset
            options.ts_echo = self.ts_recent
        return not self.host.emitter.segment(self, self.send, self.receive, ACK, self.window, None, 0, 0, now)

    def fail(self, error: int, now: int) -> None:
        """The peer cannot be reached: nobody is left to acknowledge."""
        self.host.detach(self)
