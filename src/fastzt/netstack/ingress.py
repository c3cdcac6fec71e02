"""Ingress: what happens to an arriving packet, and what flows ask of the stack that they live in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from .._core.slab import Slab
from .._core.stats import Stats, register
from .._core.timer_wheel import TimerWheel
from . import icmp
from .config import StackConfig
from .datagrams import Datagrams
from .egress import Egress
from .emitter import Emitter
from .flow_table import SEED_SIZE, Flow, FlowTable
from .host import Host
from .ip_packet import DESTINATION_OPTIONS, HOP_BY_HOP, ROUTING, is_unicast
from .ip_packet import FRAGMENT as FRAGMENT_NEXT
from .replies import Reply, Reset
from .route import RouteTable
from .socket_table import SocketTable
from .tcp.connection import Connection
from .tcp.half_open import HalfOpen
from .tcp.isn import SequenceSource
from .tcp.listener import TcpListener
from .tcp.segment import Segment
from .tcp.time_wait import TimeWait
from .window_budget import WindowBudget

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.access import take
    from .._core.tcp_header import ACK, RST, SYN
    from .socket_table import ACCEPTABLE
    from .tcp.segment import FRAGMENT

    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58

MALFORMED_IP = register("netstack.malformed_ip")
MALFORMED_TCP = register("netstack.malformed_tcp")
UNKNOWN_PROTOCOL = register("netstack.unknown_protocol")
NOT_OURS = register("netstack.not_our_address")
WRONG_PEER = register("netstack.wrong_peer")
NO_LISTENER = register("netstack.no_listener")
BACKLOG_FULL = register("netstack.backlog_full")
HALF_OPEN_EVICTED = register("netstack.half_open_evicted")
TIME_WAIT_EVICTED = register("netstack.time_wait_evicted")
FLOWS_FULL = register("netstack.flows_full")
REPLIES_FULL = register("netstack.replies_full")
BAD_ICMP = register("netstack.icmp_ignored")
CHALLENGES_SPENT = register("netstack.challenge_limit")
SECOND = 1_000_000
EXTENSIONS = (HOP_BY_HOP, ROUTING, FRAGMENT_NEXT, DESTINATION_OPTIONS)


class Ingress(Host):
    """The lower half of Stack: flows, listeners, and what is queued for either way."""

    if not cython.compiled:
        __slots__ = (
            "challenges",
            "challenges_since",
            "datagrams",
            "egress",
            "flows",
            "half_open",
            "isn",
            "lingering",
            "listeners",
            "queue",
            "replies",
            "routes",
            "segment",
            "slot",
            "touched",
        )

    def __init__(
        self,
        egress: Egress,
        wheel: TimerWheel,
        entropy: Callable[[int], bytes],
        config: StackConfig,
        sockets: SocketTable,
        stats: Stats | None = None,
        windows: WindowBudget | None = None,
    ) -> None:
        stats = stats or Stats()
        super().__init__(config, Emitter(egress, stats), wheel, sockets, stats, windows or WindowBudget())
        self.egress = egress
        self.routes = RouteTable()
        self.flows = FlowTable(entropy(SEED_SIZE))
        self.isn = SequenceSource(entropy(16))
        self.segment = Segment(egress.slab)
        self.listeners: dict[tuple[bytes | None, int], TcpListener] = {}
        self.half_open: dict[HalfOpen, None] = {}
        self.lingering: deque[TimeWait] = deque()
        self.queue: deque[Flow] = deque()
        self.replies: deque[Reply] = deque()
        self.touched: list[Flow] = []
        self.slot = wheel.allocate(self)
        self.challenges = 0
        self.challenges_since = 0
        self.datagrams = Datagrams(self, entropy)

    def fast_input(
        self, peer: object, slab: Slab, offset: int, length: int, generation: int, now: int
    ) -> bool:
        """Take a packet of an open flow of this very peer whose verdict has this generation; else False."""
        segment = self.segment
        if generation == 0 or segment.parse_ip(slab, offset, length) != TCP or not segment.parse_tcp():
            return False
        flow = self.flows.find(segment)
        if flow is None or flow.peer is not peer or flow.verdict_in != generation:
            return False
        flow.arrives(segment, now)
        return True

    def fast_run(
        self,
        peer: object,
        slab: Slab,
        offset: int,
        stride: int,
        count: int,
        size: int,
        last: int,
        generation: int,
        now: int,
    ) -> int:
        """As fast_input for packets each `stride` bytes, the last one of `last` bytes; how many were taken.

        What merely continues a stream is spared the way through the table and the state machine.
        """
        segment = self.segment
        taken = 0
        while taken < count:
            n = last if taken == count - 1 else size
            if not self.fast_input(peer, slab, offset, n, generation, now):
                return taken
            taken += 1
            offset += stride
            flow = self.flows.last
            while taken < count and flow is not None:
                n = last if taken == count - 1 else size
                if not segment.continues(offset, n) or not flow.follows(segment, now):
                    break
                taken += 1
                offset += stride
        return taken

    def input(self, peer: object, slab: Slab, offset: int, length: int, generation: int, now: int) -> None:
        """Take a packet that the network's rules let pass; generation 0: the verdict must not be cached."""
        protocol = self.segment.parse_ip(slab, offset, length)
        if protocol == TCP:
            self.input_tcp(peer, generation, now)
        elif protocol == (ICMP if self.segment.is_v4 else ICMPV6):
            self.input_icmp(peer, now)
        elif protocol == UDP:
            self.input_udp(peer, now)
        elif protocol == FRAGMENT or (not self.segment.is_v4 and protocol in EXTENSIONS):
            self.input_extended(peer, take(slab, offset, length), now)
        else:
            self.stats.drop(MALFORMED_IP if protocol < 0 else UNKNOWN_PROTOCOL)

    def input_tcp(self, peer: object, generation: int, now: int) -> None:
        """A TCP segment: to its flow, to a listener, or refused."""
        segment = self.segment
        if not segment.parse_tcp():
            self.stats.drop(MALFORMED_TCP)
            return
        flow = self.flows.find(segment)
        if flow is not None:
            if flow.peer != peer:
                self.stats.drop(WRONG_PEER)
                return
            if not (isinstance(flow, TimeWait) and flow.may_reopen(segment) and self.listener_for(segment)):
                flow.verdict_in = generation
                flow.arrives(segment, now)
                return
            self.detach(flow)
        if self.routes.is_local(segment.destination()):
            self.input_new(peer, generation, now)
        else:
            self.stats.drop(NOT_OURS)

    def listener_for(self, segment: Segment) -> TcpListener | None:
        """Who listens at the segment's destination."""
        port = segment.destination_port
        return self.listeners.get((segment.destination(), port)) or self.listeners.get((None, port))

    def input_new(self, peer: object, generation: int, now: int) -> None:
        """A segment of no flow: a SYN for a listener, or refused (RFC 9293 3.10.7.1 and 3.10.7.2)."""
        segment = self.segment
        listener = self.listener_for(segment)
        if segment.flags & RST:
            return
        source = segment.source()
        if listener is None or segment.flags & (SYN | ACK) != SYN:
            self.stats.drop(NO_LISTENER)
            self.refuse(segment, peer)
        elif listener.is_full():
            listener.refused += 1
            self.stats.drop(BACKLOG_FULL)
        elif self.flows.count >= self.config.max_flows:
            self.stats.drop(FLOWS_FULL)
        elif is_unicast(source) and (
            not self.routes.is_local(source) or self.egress.resolve(source, now) == peer
        ):
            if len(self.half_open) >= self.config.max_half_open:
                self.stats.drop(HALF_OPEN_EVICTED)
                next(iter(self.half_open)).close()
            half = HalfOpen(self, listener, segment, peer)
            half.verdict_in = generation
            self.half_open[half] = None
            self.flows.add(half)
            iss, ts_offset = self.isn.start(half.local, half.local_port, half.remote, half.remote_port, now)
            half.start(iss, ts_offset)

    def input_udp(self, peer: object, now: int) -> None:
        """A UDP datagram."""
        segment = self.segment
        destination = segment.destination()
        if self.routes.is_local(destination) or self.datagrams.is_group(destination):
            end = segment.header + segment.total
            self.datagrams.udp_in(peer, take(segment.slab, segment.packet, end - segment.packet), now)
        else:
            self.stats.drop(NOT_OURS)

    def input_extended(self, peer: object, packet: bytes, now: int) -> None:
        """A fragment, or an IPv6 packet with extension headers."""
        plain = self.datagrams.reassembly.plain(peer, packet, now)
        if plain is not None:
            slab = Slab(len(plain))
            slab.view[:] = plain
            self.input(peer, slab, 0, len(plain), 0, now)

    def input_icmp(self, peer: object, now: int) -> None:
        """Echo requests and replies, and unreachable messages; the rest is ignored."""
        segment = self.segment
        source, destination = segment.source(), segment.destination()
        if not self.routes.is_local(destination):
            self.stats.drop(NOT_OURS)
            return
        message = take(segment.slab, segment.header, segment.total)
        if not icmp.is_intact(message, source, destination):
            self.stats.drop(BAD_ICMP)
            return
        reply = icmp.echo_reply(message, source, destination)
        if reply is not None:
            self.datagrams.answer(reply, peer, now)
            return
        if self.datagrams.icmp_in(peer, message, source, destination, now):
            return
        told = icmp.unreachable(message, segment.is_v4)
        if told is not None and told.protocol != TCP:
            told = None
        flow = self.flows.get(told.local, told.local_port, told.remote, told.remote_port) if told else None
        if told is None or not isinstance(flow, Connection) or flow.peer != peer:
            self.stats.drop(BAD_ICMP)
        elif (told.sequence - flow.tx.una) & 0xFFFFFFFF < flow.tx.next - flow.tx.una:  # RFC 5927 4.1
            if told.mtu:
                flow.narrow(told.mtu, now)
            else:
                flow.unreachable(told.error, now)

    def after_batch(self, now: int) -> None:
        """The batch is over: one decision about acknowledging for each flow that it touched."""
        if not self.touched:
            return
        touched = self.touched
        self.touched = []
        for flow in touched:
            flow.touched = False
            flow.settle(now)

    def wake(self, flow: Flow) -> None:
        """Call the flow's `output` in the next transmit."""
        if not flow.queued:
            flow.queued = True
            self.queue.append(flow)

    def touch(self, flow: Flow) -> None:
        """Call the flow's `settle` after the batch."""
        if not flow.touched:
            flow.touched = True
            self.touched.append(flow)

    def detach(self, flow: Flow) -> None:
        """The flow has ended."""
        self.flows.remove(flow)
        if isinstance(flow, HalfOpen):
            self.half_open.pop(flow, None)

    def refuse(self, segment: Segment, peer: object) -> None:
        """Answer a segment that has no flow with RST."""
        if not segment.flags & RST:
            self.answer(Reset(self.emitter, segment, peer))

    def answer(self, reply: Reply) -> None:
        """Queue an answer that belongs to no flow."""
        if len(self.replies) >= self.config.max_replies:
            self.stats.drop(REPLIES_FULL)
        else:
            self.replies.append(reply)

    def may_challenge(self, now: int) -> bool:
        """Whether another challenge ACK is within the limit (RFC 5961 section 7)."""
        if now - self.challenges_since >= SECOND:
            self.challenges_since = now
            self.challenges = 0
        self.challenges += 1
        if self.challenges <= self.config.challenge_acks_per_second:
            return True
        self.stats.drop(CHALLENGES_SPENT)
        return False

    def opened(self, flow: Flow, segment: Segment, now: int) -> None:
        """A handshake is complete: a connection takes the half-open flow's place and the segment."""
        if not isinstance(flow, HalfOpen):
            return
        listener = flow.listener
        if listener.is_full():
            listener.refused += 1
            self.stats.drop(BACKLOG_FULL)
            return
        flow.close()
        connection = Connection(self, flow.local, flow.local_port, flow.remote, flow.remote_port, flow.peer)
        connection.verdict_in = flow.verdict_in
        connection.verdict_out = flow.verdict_out
        for name, value in listener.options.items():
            connection.set_option(name, value, now)
        self.flows.add(connection)
        connection.take_over(flow, now)
        listener.offer(connection)
        if listener.handle is not None:
            self.sockets.mark(listener.handle, ACCEPTABLE)
        connection.arrives(segment, now)

    def linger(self, flow: Flow, record: Flow, now: int) -> None:
        """A TIME-WAIT record takes the flow's place; the oldest goes when there are too many."""
        if not isinstance(record, TimeWait):
            return
        lingering: TimeWait = record
        self.flows.remove(flow)
        if len(self.lingering) >= self.config.max_time_wait:
            self.stats.drop(TIME_WAIT_EVICTED)
            self.detach(self.lingering.popleft())
        lingering.deadline = now + self.config.time_wait
        self.flows.add(lingering)
        if not self.lingering:
            self.wheel.arm(self.slot, lingering.deadline)
        self.lingering.append(lingering)

    def expired(self, now: int) -> None:
        """TIME-WAIT records whose 2 MSL have passed go."""
        while self.lingering:
            record = self.lingering[0]
            if record.deadline > now and record.bucket >= 0:
                self.wheel.arm(self.slot, record.deadline)
                return
            self.lingering.popleft()
            self.detach(record)
