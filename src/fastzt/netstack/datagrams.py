"""Datagrams: what a stack does besides TCP: UDP sockets, echo clients, reassembly, neighbors waited for."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING

from .._core.stats import register
from . import icmp, udp
from .echo import TOKEN, Pinger
from .icmp import Unreachable
from .ip_packet import V4_MAPPED, cut, destination_of, header_length, is_multicast, is_unicast, source_of
from .outgoing import Outgoing
from .path_mtus import PathMtus
from .ports import TABLE, EphemeralPorts
from .reassembly import Reassembly
from .replies import Packet
from .udp import Address, UdpEndpoint, os_error

if TYPE_CHECKING:
    from .ingress import Ingress

MALFORMED = register("netstack.malformed_udp")
NO_SOCKET = register("netstack.no_socket")
WRONG_PEER = register("netstack.wrong_peer")
BAD_ICMP = register("netstack.icmp_ignored")
ERRORS_SPENT = register("netstack.icmp_limit")
MAX_NEIGHBORS = 256  # waited for at a time
MAX_WAITING = 64  # sockets that wait for one neighbor
SECOND = 1_000_000
ANY = bytes(16)


class Datagrams:
    """One per stack, which it knows as `stack`; capped by the stack's configuration."""

    def __init__(self, stack: Ingress, entropy: Callable[[int], bytes]) -> None:
        self.stack = stack
        self.entropy = entropy
        self.ports = EphemeralPorts(entropy(16), entropy(2 * TABLE))
        self.bound: dict[tuple[bytes | None, int], UdpEndpoint] = {}
        self.pingers: dict[int, Pinger] = {}
        self.reassembly = Reassembly(stack.wheel, stack.stats)
        self.path_mtus = PathMtus()
        self.awaited: dict[bytes, list[Outgoing]] = {}
        self.busy: set[Outgoing] = set()  # with packets that have not left, their sockets closed or not
        self.errors = 0
        self.errors_since = 0

    # The user

    def bind(self, ip: bytes | None, port: int, now: int) -> UdpEndpoint:
        """A UDP socket on an address of ours, or on all (None); port 0: any. Raises OSError."""
        if ip is not None and not self.stack.routes.is_local(ip):
            raise os_error(errno.EADDRNOTAVAIL)
        if len(self.bound) >= self.stack.config.max_udp_sockets:
            raise os_error(errno.ENOBUFS)
        chosen = port or self.ports.choose(ip or ANY, ANY, 0, lambda candidate: self.is_taken(ip, candidate))
        if chosen == 0 or self.is_taken(ip, chosen):
            raise os_error(errno.EADDRINUSE)
        endpoint = UdpEndpoint(self, ip, chosen)
        self.bound[ip, chosen] = endpoint
        return endpoint

    def is_taken(self, ip: bytes | None, port: int) -> bool:
        """Whether a socket has the port on one of the same addresses."""
        if (None, port) in self.bound:
            return True
        return any(p == port for _, p in self.bound) if ip is None else (ip, port) in self.bound

    def unbind(self, endpoint: UdpEndpoint) -> None:
        """Free a socket's port."""
        if self.bound.get((endpoint.address, endpoint.port)) is endpoint:
            del self.bound[endpoint.address, endpoint.port]

    def pinger(self, ip: bytes) -> Pinger:
        """An echo client for a 16-byte address. Raises OSError."""
        if len(self.pingers) >= self.stack.config.max_pingers:
            raise os_error(errno.ENOBUFS)
        identifier = int.from_bytes(self.entropy(2), "big")
        while identifier in self.pingers:
            identifier = (identifier + 1) & 0xFFFF
        pinger = Pinger(self, identifier, ip, self.entropy(TOKEN))
        self.pingers[identifier] = pinger
        return pinger

    # The way out

    def hop(self, ip: bytes) -> bytes:
        """The neighbor on the way to an address; raises OSError (ENETUNREACH)."""
        found: bytes | None = self.stack.routes.way(ip)[0]
        if found is None or not is_unicast(ip):
            raise os_error(errno.ENETUNREACH)
        return found

    def source_of(self, ip: bytes) -> bytes:
        """Our address to speak to `ip` from; raises OSError (ENETUNREACH)."""
        if self.stack.routes.is_local(ip):
            return ip
        if self.is_group(ip):
            return self.own_address(ip)
        self.hop(ip)
        found: bytes | None = self.stack.routes.way(ip)[1]
        if found is None:
            raise os_error(errno.ENETUNREACH)
        return found

    def source_for(self, endpoint: UdpEndpoint, to: Address) -> bytes:
        """The address that a socket speaks to another from; raises OSError."""
        if not 0 < to[1] < 65536:
            raise os_error(errno.EINVAL)
        source = self.source_of(to[0])
        if endpoint.address is None:
            return source
        if endpoint.address.startswith(V4_MAPPED) != to[0].startswith(V4_MAPPED):
            raise os_error(errno.EAFNOSUPPORT)
        return endpoint.address

    def is_group(self, ip: bytes) -> bool:
        """Whether an address is that of a group, or of everybody."""
        return is_multicast(ip) or self.is_broadcast(ip)

    def is_broadcast(self, ip: bytes) -> bool:
        """Whether it is the limited broadcast address or that of a subnet of ours."""
        return ip in self.stack.routes.broadcasts

    def is_remote(self, ip: bytes) -> bool:
        """Whether an address is that of one host other than this node."""
        return not self.is_group(ip) and not self.stack.routes.is_local(ip)

    def own_address(self, like: bytes) -> bytes:
        """An address of ours of the same family; raises OSError (ENETUNREACH)."""
        for ip, _ in self.stack.routes.addresses:
            if ip.startswith(V4_MAPPED) == like.startswith(V4_MAPPED):
                return bytes(ip)
        raise os_error(errno.ENETUNREACH)

    def send_to_group(
        self, endpoint: UdpEndpoint, source: Address, to: Address, data: bytes, now: int
    ) -> int:
        """Send a datagram to all that listen to its destination; 0 or errno."""
        everybody = not is_multicast(to[0])
        if everybody and not endpoint.broadcast:
            return errno.EACCES
        whole = udp.datagram(source, to, data, 64 if everybody else endpoint.multicast_hops)
        packets = self.cut(whole, now)
        if not packets:
            return errno.EMSGSIZE
        for packet in packets:
            if not self.stack.egress.multicast(to[0], packet, now):
                return errno.EPERM
        if endpoint.loops or everybody:
            self.deliver_to_group(source, to, data)
        return 0

    def deliver_to_group(self, source: Address, to: Address, data: bytes) -> bool:
        """Give a datagram to the socket that listens to its destination; False when there is none.

        As elsewhere, one that is bound to an address of ours hears nothing else.
        """
        endpoint = self.bound.get((None, to[1]))
        if endpoint is None or not endpoint.takes(source):
            return False
        if is_multicast(to[0]) and to[0] not in endpoint.groups:
            return False
        endpoint.arrives(data, source)
        return True

    def send(self, endpoint: UdpEndpoint, packet: bytes, to: Address, now: int) -> int:
        """Send a datagram's packet, to ourselves too; 0 or errno."""
        if not self.stack.routes.is_local(to[0]):
            return endpoint.outgoing.push(packet, self.hop(to[0]), now)
        source = (source_of(packet), endpoint.port)
        if not self.deliver(source, to, packet[header_length(packet) + udp.HEADER :]):
            endpoint.lost(to[0], errno.ECONNREFUSED)
        return 0

    def send_echo(self, pinger: Pinger, packet: bytes, now: int) -> int:
        """Send an echo request; 0 or errno. One to ourselves is answered at once."""
        if not self.stack.routes.is_local(pinger.destination):
            return pinger.outgoing.push(packet, self.hop(pinger.destination), now)
        body = packet[header_length(packet) :]
        sequence = int.from_bytes(body[6:8], "big")
        pinger.outstanding[sequence] = (now, body[icmp.HEADER :])
        pinger.answered(sequence, body[icmp.HEADER :], now)
        return 0

    def cut(self, packet: bytes, now: int) -> list[bytes]:
        """A packet as the MTU of the network and of its way wants it; none when that is too small."""
        mtu = min(self.stack.egress.mtu(), self.path_mtus.of(destination_of(packet), now))
        if len(packet) <= mtu:
            return [packet]
        return cut(packet, mtu, int.from_bytes(self.entropy(4), "big"))

    def await_neighbor(self, hop: bytes, outgoing: Outgoing) -> bool:
        """Tell `outgoing` of the end of a resolution; False when too many wait."""
        waiting = self.awaited.get(hop, [])
        if len(waiting) >= MAX_WAITING or (not waiting and len(self.awaited) >= MAX_NEIGHBORS):
            return False
        self.awaited[hop] = [*waiting, outgoing]
        return True

    def resolved(self, hop: bytes, neighbor: object, now: int) -> None:
        """A neighbor is known."""
        for outgoing in self.awaited.pop(hop, ()):
            outgoing.resolved(hop, neighbor, now)

    def unreachable(self, hop: bytes) -> None:
        """Nobody answers for a neighbor."""
        for outgoing in self.awaited.pop(hop, ()):
            outgoing.unreachable(hop)

    def refused(self, peer: object, now: int) -> None:
        """The peer's data plane refused us: connected sockets and echo clients are told."""
        for endpoint in list(self.bound.values()):
            if endpoint.remote is not None and self.is_by_way_of(peer, endpoint.remote[0], now):
                endpoint.fail(errno.EHOSTUNREACH)
        for pinger in list(self.pingers.values()):
            if self.is_by_way_of(peer, pinger.destination, now):
                pinger.lost(pinger.destination, errno.EHOSTUNREACH)

    def neighbor_of(self, endpoint: UdpEndpoint, now: int) -> object | None:
        """The neighbor behind which a connected socket's remote lives, as it was last known."""
        hop = self.stack.routes.way(endpoint.remote[0])[0] if endpoint.remote is not None else None
        found = self.stack.egress.resolve(hop, now) if hop is not None else None
        if found is not None:
            endpoint.neighbor = found
        return endpoint.neighbor

    def is_by_way_of(self, peer: object, ip: bytes, now: int) -> bool:
        """Whether packets for an address go to this peer, as far as that is known."""
        hop = self.stack.routes.way(ip)[0]
        return hop is not None and self.stack.egress.resolve(hop, now) == peer

    # The way in

    def udp_in(self, peer: object, packet: bytes, now: int) -> None:
        """A UDP packet for an address of ours, or a group."""
        source, destination = source_of(packet), destination_of(packet)
        found = udp.parse(source, destination, packet[header_length(packet) :])
        if found is None:
            self.stack.stats.drop(MALFORMED)
            return
        source_port, port, data = found
        if not self.stack.routes.is_local(destination):
            if not self.deliver_to_group((source, source_port), (destination, port), data):
                self.stack.stats.drop(NO_SOCKET)
            return
        endpoint = self.endpoint_for(destination, port)
        known = endpoint is not None and endpoint.remote == (source, source_port)
        if endpoint is not None and known and self.neighbor_of(endpoint, now) != peer:
            self.stack.stats.drop(WRONG_PEER)
            return
        if not self.deliver((source, source_port), (destination, port), data):
            self.stack.stats.drop(NO_SOCKET)
            if is_unicast(source) and self.may_complain(now):
                error = icmp.port_unreachable(destination, source, packet)
                self.stack.answer(Packet(self.stack.emitter, error, peer))

    def endpoint_for(self, ip: bytes, port: int) -> UdpEndpoint | None:
        """The socket at an address of ours."""
        return self.bound.get((ip, port)) or self.bound.get((None, port))

    def deliver(self, source: Address, to: Address, data: bytes) -> bool:
        """Give a datagram to its socket; False when there is none for it."""
        endpoint = self.endpoint_for(*to)
        if endpoint is None or not endpoint.takes(source):
            return False
        endpoint.arrives(data, source)
        return True

    def icmp_in(self, peer: object, message: bytes, source: bytes, destination: bytes, now: int) -> bool:
        """An intact message for us that is neither a request nor about TCP; False: of no use."""
        is_v4 = source.startswith(V4_MAPPED)
        if icmp.is_echo_reply(message, is_v4):
            pinger = self.pingers.get(int.from_bytes(message[4:6], "big"))
            if pinger is None or pinger.destination != source or not self.is_by_way_of(peer, source, now):
                return False
            return pinger.answered(int.from_bytes(message[6:8], "big"), message[icmp.HEADER :], now)
        told = icmp.unreachable(message, is_v4)
        return told is not None and self.failed(told, peer, now)

    def failed(self, told: Unreachable, peer: object, now: int) -> bool:
        """A packet of ours did not arrive, says its next hop or its receiver; False: none such was sent."""
        if not self.is_by_way_of(peer, told.remote, now):
            return False
        if told.protocol == icmp.PROTOCOL_UDP:
            endpoint = self.endpoint_for(told.local, told.local_port)
            if endpoint is not None and told.mtu:
                self.path_mtus.narrow(told.remote, told.mtu, now)
            if endpoint is None or endpoint.remote != (told.remote, told.remote_port):
                return False
            endpoint.fail(told.error)
            return True
        if told.protocol not in (icmp.PROTOCOL_ICMP, icmp.PROTOCOL_ICMPV6):
            return False
        pinger = self.pingers.get(told.local_port)
        if pinger is None or pinger.destination != told.remote:
            return False
        if told.mtu:
            self.path_mtus.narrow(told.remote, told.mtu, now)
        return pinger.refused(told.sequence, told.error)

    def answer(self, reply: bytes, peer: object, now: int) -> None:
        """Queue an answer of any length."""
        for packet in self.cut(reply, now):
            self.stack.answer(Packet(self.stack.emitter, packet, peer))

    def may_complain(self, now: int) -> bool:
        """Whether another ICMP error is within the limit (RFC 1812 4.3.2.8, RFC 4443 2.4 f)."""
        if now - self.errors_since >= SECOND:
            self.errors_since = now
            self.errors = 0
        self.errors += 1
        if self.errors <= self.stack.config.icmp_errors_per_second:
            return True
        self.stack.stats.drop(ERRORS_SPENT)
        return False

    # The end

    def address_removed(self, ip: bytes, now: int) -> None:
        """An address is given up: sockets bound to it fail."""
        for endpoint in [e for e in self.bound.values() if e.address == ip]:
            endpoint.fail(errno.ENETDOWN)

    def close(self, error: int, now: int) -> None:
        """No socket works any more; `error`: what the user's calls raise, 0: they are closed."""
        sockets: list[UdpEndpoint | Pinger] = [*self.bound.values(), *self.pingers.values()]
        for socket in sockets:
            if error:
                socket.end(error)
            else:
                socket.close(now)
        self.bound.clear()
        self.pingers.clear()
        if error:
            self.awaited.clear()
            self.busy.clear()
        self.reassembly.clear()
