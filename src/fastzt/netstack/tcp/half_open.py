"""HalfOpen: a passive open whose handshake is not complete, in as few fields as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core.stats import register
from ..flow_table import Flow
from ..host import Host
from .segment import Segment

if TYPE_CHECKING:
    import cython

    from .listener import TcpListener
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core.seqnum import diff
    from ..._core.tcp_header import ACK, RST, SYN

SCALE = 8  # as Receiver announces
FIRST_RTO = 1_000_000
EXPIRED = register("tcp.half_open_expired")
RESET = register("tcp.half_open_reset")
BAD_ACK = register("tcp.half_open_bad_ack")
IGNORED = register("tcp.half_open_ignored")


class HalfOpen(Flow):
    """What a SYN said and what our SYN-ACK answers; sequence numbers are u32."""

    if not cython.compiled:
        __slots__ = (
            "host",
            "irs",
            "iss",
            "listener",
            "mss",
            "retries",
            "sack",
            "scale",
            "sent_at",
            "slot",
            "timestamps",
            "ts_offset",
            "ts_recent",
            "window",
        )

    def __init__(self, host: Host, listener: TcpListener, segment: Segment, peer: object) -> None:
        super().__init__(
            segment.destination(), segment.destination_port, segment.source(), segment.source_port, peer
        )
        options = segment.options
        self.host = host
        self.listener = listener
        self.irs = segment.sequence
        self.iss = 0
        self.window = segment.window
        self.mss = options.mss
        self.scale = options.window_scale
        self.sack = options.sack_permitted
        self.timestamps = options.has_timestamps
        self.ts_recent = options.ts_value
        self.ts_offset = 0
        self.retries = 0
        self.sent_at = 0
        self.slot = host.wheel.allocate(self)

    def start(self, iss: int, ts_offset: int) -> None:
        """Answer the SYN in the next transmit."""
        self.iss = iss
        self.ts_offset = ts_offset
        self.host.wake(self)

    def receive_window(self) -> int:
        """What the SYN-ACK announces."""
        limit: int = self.host.windows.initial(self.host.config.receive_buffer)
        return min(limit, 65535)

    def arrives(self, segment: Segment, now: int) -> None:
        """RFC 9293 section 3.10.7.4 in SYN-RECEIVED."""
        offset = diff(segment.sequence, self.irs)
        if segment.flags & RST:
            if offset == 1:
                self.host.stats.drop(RESET)
                self.close()
        elif segment.flags & SYN:
            self.host.wake(self)  # a repeated SYN; another SYN is answered alike (RFC 5961 4.2)
        elif not segment.flags & ACK or offset < 1 or offset > self.receive_window():
            self.host.stats.drop(IGNORED)
        elif diff(segment.acknowledgment, self.iss) != 1:
            self.host.stats.drop(BAD_ACK)
            self.host.refuse(segment, self.peer)
        else:
            self.host.opened(self, segment, now)

    def output(self, now: int) -> bool:
        """Send the SYN-ACK; True when the egress had no room."""
        if self.slot < 0:
            return False
        options = self.host.emitter.options
        options.clear()
        options.mss = max(self.host.emitter.room(self, now) - 20, 0)
        options.window_scale = SCALE if self.scale >= 0 else -1
        options.sack_permitted = self.sack
        if self.timestamps:
            options.has_timestamps = True
            options.ts_value = now // 1000 + self.ts_offset
            options.ts_echo = self.ts_recent
        if not self.host.emitter.segment(
            self, self.iss, (self.irs + 1), SYN | ACK, self.receive_window(), None, 0, 0, now
        ):
            return True
        if self.sent_at == 0:
            self.sent_at = now
        self.host.wheel.arm(self.slot, now + (FIRST_RTO << self.retries))
        return False

    def path_changed(self, now: int) -> None:
        """Repeat the SYN-ACK on the new way."""
        if self.slot >= 0 and self.retries > 0:
            self.host.wake(self)

    def expired(self, now: int) -> None:
        """No ACK came: repeat the SYN-ACK, or give up."""
        self.retries += 1
        if self.retries > self.host.config.syn_ack_retries:
            self.host.stats.drop(EXPIRED)
            self.close()
        else:
            self.host.wake(self)

    def fail(self, error: int, now: int) -> None:
        """The peer cannot be reached."""
        self.close()

    def close(self) -> None:
        """Leave the table; the listener hears of it through the stack."""
        if self.slot >= 0:
            self.host.wheel.free(self.slot)
            self.slot = -1
            self.host.detach(self)
