"""The joint between a virtual network and its IP stack: packets pass without a Python object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.datagram_batch import TransmitBatch
from .._core.slab import Slab
from ..netstack.egress import Egress
from ..netstack.stack import Stack
from ..vl1.peer import Peer
from ..vl2.network import Network
from ..vl2.sink import IpSink
from ..wire.address import group_of

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    LOOP_ROUNDS = 8  # slabs that a node sends to itself before it looks at others again

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_IPV6 = 0x86DD
LOOP_SLAB = 65536


class Inlet(IpSink):
    """Hands what a network received to its stack."""

    if not cython.compiled:
        __slots__ = ("network", "stack")

    def __init__(self, network: Network, stack: Stack) -> None:
        self.network = network
        self.stack = stack

    def fast_input(
        self, peer: object, slab: Slab, offset: int, length: int, generation: int, now: int
    ) -> bool:
        """Offer a packet to an open flow."""
        return self.stack.fast_input(peer, slab, offset, length, generation, now)

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
        """Offer packets in a row to open flows; how many were taken."""
        return self.stack.fast_run(peer, slab, offset, stride, count, size, last, generation, now)

    def input(self, peer: object, slab: Slab, offset: int, length: int, generation: int, now: int) -> None:
        """Deliver a packet."""
        self.stack.input(peer, slab, offset, length, generation, now)

    def resolved(self, ip16: bytes, peer: object, now: int) -> None:
        """A next hop is known."""
        self.stack.resolved(ip16, peer, now)

    def unreachable(self, ip16: bytes, now: int) -> None:
        """Nobody answers for an address."""
        self.stack.unreachable(ip16, now)

    def refused(self, peer: object, now: int) -> None:
        """A peer answered with an error."""
        self.stack.refused(peer, now)

    def addresses_changed(self, now: int) -> None:
        """Give the stack the network's addresses."""
        configure(self.stack, self.network, now)


class Loopback:
    """The neighbor that is this node itself: keeps what the stack sends to its own addresses.

    `address`: the node's, as a peer has it. `used`: bytes that wait to be taken back.
    """

    if not cython.compiled:
        __slots__ = ("_lengths", "address", "slab", "used")

    def __init__(self, address: int) -> None:
        self.address = address
        self.slab = Slab(LOOP_SLAB)
        self.used = 0
        self._lengths: list[int] = []

    def reserve(self, length: int) -> int:
        """Where a packet goes, or -1."""
        return self.used if self.used + length <= LOOP_SLAB else -1

    def commit(self, length: int) -> None:
        """Keep the packet."""
        self.used += length
        self._lengths.append(length)

    def deliver(self, stack: Stack, now: int) -> None:
        """Give the stack all that is kept. It sends nothing meanwhile."""
        lengths = self._lengths
        self._lengths = []
        offset = 0
        for length in lengths:
            stack.input(self, self.slab, offset, length, 0, now)
            offset += length
        self.used = 0


class Outlet(Egress):
    """Sends what a stack emits over its network, into the batch that is being filled.

    What goes to an address of this node stays here: no other node would bring it back.
    """

    if not cython.compiled:
        __slots__ = ("network", "out", "own")

    def __init__(self, network: Network, out: TransmitBatch, own: Loopback) -> None:
        super().__init__(out.slab)
        self.network = network
        self.out = out
        self.own = own

    def fill(self, out: TransmitBatch) -> None:
        """Emit into this batch from now on."""
        self.out = out
        self.slab = out.slab

    def resolve(self, ip: bytes, now: int) -> object | None:
        """Who owns an address: a peer, a host behind one, or this node."""
        for own, _ in self.network.addresses:
            if own == ip:
                return self.own
        return self.network.resolve(ip, now)

    def room(self, neighbor: object, now: int) -> int:
        """Bytes of the largest packet that travels as one datagram."""
        if type(neighbor) is Peer:
            return self.network.room(neighbor, now)
        if neighbor is self.own:
            return self.mtu()
        return int(self.network.bridging.room(neighbor, now))  # type: ignore[arg-type]

    def mtu(self) -> int:
        """Bytes of the largest packet that the network carries."""
        return int(self.network.mtu)

    def reserve(self, neighbor: object, length: int, now: int) -> int:
        """Where a packet goes, or -1."""
        if type(neighbor) is Peer:
            return self.network.reserve(neighbor, self.out, length, now)
        if neighbor is not self.own:
            return int(self.network.bridging.reserve(neighbor, self.out, length, now))  # type: ignore[arg-type]
        offset = self.own.reserve(length)
        if offset >= 0:
            self.slab = self.own.slab
        return offset

    def commit(self, neighbor: object, length: int, generation: int, now: int) -> int:
        """Send it; returns the verdict's generation, 0 or -1."""
        if type(neighbor) is Peer:
            return self.network.commit(neighbor, self.out, length, generation, now)
        if neighbor is not self.own:
            return int(self.network.bridging.commit(neighbor, self.out, length, now))  # type: ignore[arg-type]
        self.own.commit(length)
        self.slab = self.out.slab
        return 0

    def multicast(self, ip: bytes, packet: bytes, now: int) -> bool:
        """Send a packet to a group."""
        ethertype = ETHERTYPE_IPV4 if packet[0] >> 4 == 4 else ETHERTYPE_IPV6
        return bool(self.network.multicast.send(*group_of(ip), ethertype, packet, now))

    def join_group(self, ip: bytes, now: int) -> bool:
        """Subscribe to a group, once more."""
        return bool(self.network.multicast.join(*group_of(ip), now))

    def leave_group(self, ip: bytes, now: int) -> None:
        """Subscribe to a group once less."""
        self.network.multicast.leave(*group_of(ip), now)

    def repeat(self, neighbor: object, length: int, same: int, most: int, generation: int, now: int) -> int:
        """Send packets like the one just sent, which the caller completes."""
        if type(neighbor) is not Peer:
            return 0
        n = self.network.repeat(neighbor, self.out, length, same, most, generation, now)
        stride = self.network.stride(length)
        self.repeat_stride = stride
        self.repeat_at = self.out.used - (n - 1) * stride - length
        return n


class Lane:
    """A network, its IP stack, and the joint between them."""

    if not cython.compiled:
        __slots__ = ("network", "outlet", "stack")

    def __init__(self, network: Network, outlet: Outlet, stack: Stack) -> None:
        self.network = network
        self.outlet = outlet
        self.stack = stack

    def transmit(self, now: int) -> bool:
        """Send what is ready, and take in what the node has sent to itself; True when more waits for room."""
        more = self.stack.transmit(now)
        for _ in range(LOOP_ROUNDS):
            if self.outlet.own.used == 0:
                break
            self.outlet.own.deliver(self.stack, now)
            self.stack.after_batch(now)
            more = self.stack.transmit(now)
        return more


def configure(stack: Stack, network: Network, now: int) -> None:
    """Make the stack's addresses and routes those of the network."""
    wanted = dict(network.addresses)
    for ip in [ip for ip, _ in stack.routes.addresses if ip not in wanted]:
        stack.remove_address(ip, now)
    for ip, prefix in wanted.items():
        stack.add_address(ip, prefix)
    stack.set_routes(network.routes)
