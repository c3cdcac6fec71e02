"""Reassembly of IPv4 (RFC 815) and IPv6 (RFC 8200 4.5) fragments, bounded in number, bytes and time.

Fragments that overlap spoil their datagram (RFC 5722; for IPv4 likewise); an exact repetition is ignored.
A datagram's fragments must all come from one neighbor.
"""

from __future__ import annotations

from bisect import bisect_left

from .._core.stats import Stats, register
from .._core.timer_wheel import TimerWheel
from . import ip_packet
from .ip_packet import FRAGMENT, FRAGMENT_HEADER, MAX_PACKET, MORE_V4, MORE_V6, V6_HEADER

MALFORMED = register("netstack.fragment_malformed")
OVERLAP = register("netstack.fragment_overlap")
EXPIRED = register("netstack.reassembly_timeout")
EVICTED = register("netstack.reassembly_evicted")
SECOND = 1_000_000
TIMEOUT = 30 * SECOND  # RFC 1122 3.3.2 says 60 to 120, RFC 8200 60; 30 is usual, ids come round sooner
MAX_DATAGRAMS = 64
MAX_OF_PEER = 16
MAX_BYTES = 1 << 20
MAX_PIECES = 128  # 65,535 bytes at the smallest MTU of the Internet, 576
ANY_V6 = -1  # in place of a protocol, which IPv6 does not compare
OVERHEAD = 128  # what a piece costs besides its bytes

Key = tuple[object, bytes, bytes, int, int]


class Partial:
    """A datagram of which some pieces have come; `spoiled`: it will never be whole, and holds nothing."""

    __slots__ = ("count", "deadline", "ends", "head", "held", "pieces", "spoiled", "starts", "total")

    def __init__(self, deadline: int) -> None:
        self.deadline = deadline
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.pieces: list[bytes] = []
        self.count = 0  # bytes of the pieces
        self.held = OVERHEAD
        self.total = -1
        self.head = b""  # what stands before the first piece
        self.spoiled = False

    def add(self, start: int, data: bytes, more: bool) -> bool:
        """Take a piece; False when it contradicts others."""
        end = start + len(data)
        at = bisect_left(self.starts, start)
        if at < len(self.starts) and self.starts[at] == start and self.pieces[at] == data:
            return more == (end != self.total)
        before = self.ends[at - 1] if at else 0
        after = self.starts[at] if at < len(self.starts) else MAX_PACKET + 1
        if before > start or after < end or (self.total >= 0 and (end > self.total or not more)):
            return False
        if not more:
            if self.ends and self.ends[-1] > end:
                return False
            self.total = end
        self.starts.insert(at, start)
        self.ends.insert(at, end)
        self.pieces.insert(at, data)
        self.count += len(data)
        self.held += len(data) + OVERHEAD
        return True

    def spoil(self) -> None:
        """Give the pieces up and take no more."""
        self.spoiled = True
        self.starts, self.ends, self.pieces = [], [], []
        self.head = b""
        self.held = OVERHEAD


class Reassembly:
    """The datagrams of one stack that are not whole; the oldest goes first, by time or to make room."""

    def __init__(self, wheel: TimerWheel, stats: Stats) -> None:
        self.wheel = wheel
        self.stats = stats
        self.timer = wheel.allocate(self)
        self.partials: dict[Key, Partial] = {}
        self.held = 0

    def __len__(self) -> int:
        return len(self.partials)

    def plain(self, peer: object, packet: bytes, now: int) -> bytes | None:
        """The packet without fragmentation and extension headers, once it is whole."""
        return self.plain_v4(peer, packet, now) if packet[0] >> 4 == 4 else self.plain_v6(peer, packet, now)

    def plain_v4(self, peer: object, packet: bytes, now: int) -> bytes | None:
        """A fragment whose header has been checked."""
        size = ip_packet.header_length(packet)
        data = packet[size : int.from_bytes(packet[2:4], "big")]
        place = int.from_bytes(packet[6:8], "big")
        key = (peer, packet[12:16], packet[16:20], int.from_bytes(packet[4:6], "big"), packet[9])
        found = self.add(key, packet[:size], (place & 0x1FFF) * 8, data, bool(place & MORE_V4), now)
        if found is None:
            return None
        head, body = found
        return ip_packet.v4(20 + len(body), 0, 0, head[9], head[12:20]) + body

    def plain_v6(self, peer: object, packet: bytes, now: int) -> bytes | None:
        """A packet with extension headers, a fragment header maybe among them."""
        packet = packet[: V6_HEADER + int.from_bytes(packet[4:6], "big")]
        head, body = packet[:V6_HEADER], packet[V6_HEADER:]
        found = ip_packet.upper(body, head[6], 0)
        if found is not None and found[0] == FRAGMENT:
            joined = self.join_v6(peer, head, body[found[1] :], now)
            if joined is None:
                return None
            head, body = joined
            found = ip_packet.upper(body, head[6], 0)
        if found is None or found[0] == FRAGMENT:
            self.stats.drop(MALFORMED)
            return None
        body = body[found[1] :]
        return head[:4] + len(body).to_bytes(2, "big") + bytes((found[0],)) + head[7:] + body

    def join_v6(self, peer: object, head: bytes, body: bytes, now: int) -> tuple[bytes, bytes] | None:
        """From a fragment header on: header and body of the whole packet, or None."""
        if len(body) < FRAGMENT_HEADER:
            self.stats.drop(MALFORMED)
            return None
        head = head[:6] + body[:1] + head[7:]
        place = int.from_bytes(body[2:4], "big")
        data = body[FRAGMENT_HEADER:]
        if place & 0xFFF9 == 0:  # alone (RFC 6946): it meets no others
            return head, data
        key = (peer, head[8:24], head[24:40], int.from_bytes(body[4:8], "big"), ANY_V6)
        return self.add(key, head, place & 0xFFF8, data, bool(place & MORE_V6), now)

    def add(
        self, key: Key, head: bytes, start: int, data: bytes, more: bool, now: int
    ) -> tuple[bytes, bytes] | None:
        """Take a fragment; what stands before its datagram, and the datagram, once that is whole."""
        most = MAX_PACKET if key[4] == ANY_V6 else MAX_PACKET - len(head)  # IPv6 does not count the header
        if not data or (more and len(data) % 8) or start + len(data) > most:
            self.stats.drop(MALFORMED)
            return None
        partial = self.partials.get(key) or self.begin(key, now)
        if partial.spoiled:
            self.stats.drop(OVERLAP)
            return None
        self.held -= partial.held
        if len(partial.pieces) >= MAX_PIECES or not partial.add(start, data, more):
            partial.spoil()
            self.stats.drop(OVERLAP)
        elif start == 0:
            partial.head = head
        self.held += partial.held
        if not partial.spoiled and partial.count == partial.total:
            self.forget(key)
            return partial.head, b"".join(partial.pieces)
        while self.held > MAX_BYTES:
            self.evict(next(iter(self.partials)))
        return None

    def begin(self, key: Key, now: int) -> Partial:
        """A datagram's first fragment: make room for it."""
        same = [other for other in self.partials if other[0] == key[0]]
        if len(same) >= MAX_OF_PEER:
            self.evict(same[0])
        elif len(self.partials) >= MAX_DATAGRAMS:
            self.evict(next(iter(self.partials)))
        if not self.partials:
            self.wheel.arm(self.timer, now + TIMEOUT)
        self.partials[key] = partial = Partial(now + TIMEOUT)
        self.held += partial.held
        return partial

    def evict(self, key: Key) -> None:
        """Give a datagram up to make room."""
        self.stats.drop(EVICTED)
        self.forget(key)

    def forget(self, key: Key) -> None:
        """Take a datagram out."""
        self.held -= self.partials.pop(key).held
        if not self.partials:
            self.wheel.cancel(self.timer)

    def clear(self) -> None:
        """Give all up."""
        for key in list(self.partials):
            self.forget(key)

    def expired(self, now: int) -> None:
        """Datagrams whose time is up go."""
        for key in [key for key, partial in self.partials.items() if partial.deadline <= now]:
            self.stats.drop(EXPIRED)
            self.forget(key)
        if self.partials:
            self.wheel.arm(self.timer, next(iter(self.partials.values())).deadline)
