"""Hosts behind a member that is an active bridge: Ethernet on one side, EXT_FRAMEs on the other.

What a bridge does, done by hand: ARP, MACs, frames. The hosts' IP and TCP are a stack of their own.
"""

from __future__ import annotations

from typing import Any

from fastzt._core.endpoint import V4_PREFIX
from fastzt._core.slab import Slab
from fastzt.netstack.config import StackConfig
from fastzt.netstack.egress import Egress
from fastzt.netstack.socket_table import SocketTable
from fastzt.netstack.stack import Stack
from fastzt.vl1.packet import Packet
from fastzt.vl1.peer import Peer
from fastzt.vl1.sink import VirtualSink
from fastzt.wire import arp, ndp
from fastzt.wire.address import ALL_NODES_MAC, address_of, is_multicast_mac, resolution_group
from fastzt.wire.arp import REPLY, REQUEST, Arp
from fastzt.wire.frame import ExtFrame
from fastzt.wire.multicast import MulticastFrame
from fastzt.wire.ndp import ADVERTISEMENT, OVERRIDE, SOLICITATION, SOLICITED, Neighbor
from fastzt.wire.verbs import Verb

from .world import Host

IPV4, IPV6 = 0x0800, 0x86DD
MTU = 2800
MAC = 0x001122334455
IP4 = V4_PREFIX + bytes([10, 121, 15, 200])
IP6 = bytes.fromhex("20010db80001000000000000000000c8")


class Cable(VirtualSink):
    """Shows the hosts behind what the bridge's VL1 hands up; VL2 gets it first, which judges membership."""

    def __init__(self, bridge: Host) -> None:
        self.networks = bridge.core.networks
        self.hosts: list[Behind] = []
        bridge.core.switch.bind(self)

    def frame(self, peer: Peer, slab: Slab, offset: int, length: int, hops: int, now: int) -> int:
        return int(self.networks.frame(peer, slab, offset, length, hops, now))

    def frames(
        self, peer: Peer, slab: Slab, offset: int, stride: int, count: int, size: int, last: int, now: int
    ) -> int:
        return int(self.networks.frames(peer, slab, offset, stride, count, size, last, now))

    def message(self, packet: Packet, now: int) -> int:
        verdict = int(self.networks.message(packet, now))
        for host in self.hosts:
            if verdict == 2:
                host.hear(packet, now)
        return verdict

    def flush(self, now: int) -> None:
        self.networks.flush(now)


class Port(Egress):
    """A host's network interface: one frame at a time, to the MAC of the neighbor."""

    def __init__(self, host: Behind) -> None:
        super().__init__(Slab(65536))
        self.host = host

    def resolve(self, ip: bytes, now: int) -> object | None:
        found = self.host.macs.get(ip)
        if found is None:
            self.host.ask(ip, now)
        return found

    def room(self, neighbor: object, now: int) -> int:
        return 1381

    def mtu(self) -> int:
        return MTU

    def reserve(self, neighbor: object, length: int, now: int) -> int:
        return 0

    def commit(self, neighbor: Any, length: int, generation: int, now: int) -> int:
        data = bytes(self.slab.view[:length])
        self.host.send(neighbor, IPV4 if data[0] >> 4 == 4 else IPV6, data, now)
        return 0


class Behind:
    """A host with an IP stack. It answers to `mac` and sends from `source`.

    `received`: (sender, source MAC) of frames for it.
    """

    def __init__(
        self, bridge: Host, cable: Cable, nwid: int, mac: int = MAC, ips: tuple[bytes, ...] = (IP4, IP6)
    ) -> None:
        self.bridge, self.nwid, self.mac, self.source, self.ips = bridge, nwid, mac, mac, ips
        self.macs: dict[bytes, int] = {}
        self.members: list[int] = []  # whom a broadcast reaches
        self.received: list[tuple[int, int]] = []
        self.sockets = SocketTable()
        core = bridge.core
        self.stack = Stack(Port(self), core.wheel, core.entropy, StackConfig(), self.sockets)
        for ip in ips:
            self.stack.add_address(ip, 24 if ip.startswith(V4_PREFIX) else 64)
        cable.hosts.append(self)
        before = bridge.application

        def turn(now: int) -> None:
            before(now)
            self.turn(now)

        bridge.application = turn

    def turn(self, now: int) -> None:
        """What a driver does after a turn."""
        self.stack.after_batch(now)
        while self.stack.transmit(now):
            pass

    def act(self, action: Any) -> Any:
        """A program's action on the host."""
        return self.bridge.act(action)

    def send(self, mac: int, ethertype: int, data: bytes, now: int) -> None:
        """A frame to a member's MAC."""
        frame = ExtFrame(self.nwid, mac, self.source, ethertype, data)
        self.bridge.core.switch.send(address_of(mac, self.nwid), Verb.EXT_FRAME, frame.to_bytes(), now)

    def broadcast(self, group: tuple[int, int], ethertype: int, data: bytes, now: int) -> None:
        """A frame to a group, as bridges send it."""
        frame = MulticastFrame(self.nwid, *group, ethertype, data, source=self.source)
        for member in self.members:
            self.bridge.core.switch.send(member, Verb.MULTICAST_FRAME, frame.to_bytes(), now)

    def ask(self, ip: bytes, now: int) -> None:
        """Who has an address?"""
        if ip.startswith(V4_PREFIX):
            data = Arp(REQUEST, self.mac, self.ips[0], 0, ip).to_bytes()
            self.broadcast(resolution_group(ip), arp.ETHERTYPE, data, now)
        else:
            data = ndp.solicitation(self.ips[1], ip, self.mac).to_bytes()
            self.broadcast(resolution_group(ip), ndp.ETHERTYPE, data, now)

    def hear(self, packet: Packet, now: int) -> None:
        """A packet that the bridge has got: for this host's MAC, or a group."""
        if packet.verb == Verb.EXT_FRAME:
            frame = ExtFrame.parse(packet.payload)
            if frame.destination == self.mac:
                self.received.append((packet.peer.address, frame.source))
                self.take(frame.source, frame.ethertype, frame.data, now)
        elif packet.verb == Verb.MULTICAST_FRAME:
            group = MulticastFrame.parse(packet.payload)
            assert is_multicast_mac(group.mac)
            if group.mac != ALL_NODES_MAC:
                member = self.bridge.core.network(self.nwid).member_of(packet.peer)
                self.take(member.mac, group.ethertype, group.data, now)

    def take(self, source: int, ethertype: int, data: bytes, now: int) -> None:
        """A frame from a MAC."""
        if ethertype == arp.ETHERTYPE:
            self.take_arp(source, Arp.parse(data), now)
        elif ethertype == IPV6 and data[6] == 58 and data[40] in (SOLICITATION, ADVERTISEMENT):
            self.take_neighbor(source, Neighbor.accept(data), now)
        else:
            slab = Slab(len(data))
            slab.view[:] = data
            self.stack.input(source, slab, 0, len(data), 0, now)

    def take_arp(self, source: int, heard: Arp, now: int) -> None:
        if heard.operation == REQUEST and heard.target_ip in self.ips:
            self.send(heard.sender_mac, arp.ETHERTYPE, heard.reply(self.mac).to_bytes(), now)
        elif heard.operation == REPLY:
            self.know(heard.sender_ip, heard.sender_mac, now)

    def take_neighbor(self, source: int, heard: Neighbor, now: int) -> None:
        if heard.kind == SOLICITATION and heard.target in self.ips:
            answer = Neighbor(
                ADVERTISEMENT, heard.target, heard.source, heard.target, SOLICITED | OVERRIDE, self.mac
            )
            self.send(source, ndp.ETHERTYPE, answer.to_bytes(), now)
        elif heard.kind == ADVERTISEMENT and heard.mac is not None:
            self.know(heard.target, heard.mac, now)

    def know(self, ip: bytes, mac: int, now: int) -> None:
        self.macs[ip] = mac
        self.stack.resolved(ip, self.macs[ip], now)
