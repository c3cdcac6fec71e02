"""FrameContext: one frame under judgement, its headers found once; reused from frame to frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.slab import Slab
from .claims import NO_CLAIMS, Claims

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.access import be16, take, u8

    ETHERTYPE_IPV4 = 0x0800
    ETHERTYPE_ARP = 0x0806
    ETHERTYPE_IPV6 = 0x86DD
    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58
    SCTP = 132
    UDP_LITE = 136
    NEIGHBOR_SOLICITATION = 135
    NEIGHBOR_ADVERTISEMENT = 136
    NDP_EMULATION = 0x4  # network config flags, PROTOCOL-VL2 3.2

# Characteristics, PROTOCOL-VL2 7.1; TCP flags are the low twelve bits.
INBOUND = 1 << 63
MULTICAST = 1 << 62
BROADCAST = 1 << 61
SENDER_IP_AUTHENTICATED = 1 << 60
SENDER_MAC_AUTHENTICATED = 1 << 59
MULTICAST_BIT = 1 << 40
LOW_32 = 0xFFFFFFFF
ALL_ONES_MAC = 0xFFFFFFFFFFFF
V4_PREFIX = bytes(10) + b"\xff\xff"


class FrameContext:
    """Set the addresses, then `begin`; what is found: `redirect_to`, `tee_*`, `base_tee_*`, `cacheable`.

    `source`, `destination`: ZeroTier addresses (destination 0: multicast or bridged). `local`, `remote`:
    claims of this node and of the other one. `emulated`: prefixes, as bytes, of own derived IPv6 addresses.
    """

    if not cython.compiled:
        __slots__ = (
            "base_tee_length",
            "base_tee_to",
            "base_tee_watch",
            "cacheable",
            "characteristics_known",
            "characteristics_value",
            "config_flags",
            "destination",
            "emulated",
            "ethertype",
            "inbound",
            "ip_header",
            "length",
            "local",
            "mac_destination",
            "mac_source",
            "me",
            "offset",
            "protocol",
            "random_state",
            "redirect_to",
            "remote",
            "slab",
            "source",
            "tee_length",
            "tee_to",
            "tee_watch",
            "transport",
            "vlan",
        )

    def __init__(self, me: int, seed: int) -> None:
        self.me = me
        self.random_state = seed | 1
        self.slab = Slab(1)
        self.offset = self.length = 0
        self.inbound = False
        self.source = self.destination = self.mac_source = self.mac_destination = 0
        self.ethertype = self.vlan = self.config_flags = 0
        self.local: Claims = NO_CLAIMS
        self.remote: Claims = NO_CLAIMS
        self.emulated: tuple[bytes, ...] = ()
        self.clear_results()

    def clear_results(self) -> None:
        """Forget what was found about the previous frame."""
        self.redirect_to = 0
        self.tee_to = 0
        self.tee_length = 0
        self.tee_watch = False
        self.base_tee_to = 0
        self.base_tee_length = 0
        self.base_tee_watch = False
        self.cacheable = True
        self.characteristics_known = False
        self.characteristics_value = 0
        self.ip_header = False
        self.protocol = 0
        self.transport = -1

    def begin(self, slab: Slab, offset: int, length: int, ethertype: int) -> None:
        """Take the frame's payload at `offset` and find its IP and transport headers."""
        self.slab = slab
        self.offset = offset
        self.length = length
        self.ethertype = ethertype
        self.clear_results()
        if ethertype == ETHERTYPE_IPV4 and length >= 20:
            self.ip_header = True
            self.protocol = u8(slab, offset + 9)
            self.transport = (u8(slab, offset) & 15) * 4
        elif ethertype == ETHERTYPE_IPV6 and length >= 40:
            self.ip_header = True
            self.walk_extension_headers()

    def walk_extension_headers(self) -> None:
        """What follows IPv6 headers 0, 43, 60, 135; `transport` stays -1 if they do not fit."""
        protocol = u8(self.slab, self.offset + 6)
        at = 40
        while protocol == 0 or protocol == 43 or protocol == 60 or protocol == 135:
            if at + 8 > self.length:
                return
            protocol = u8(self.slab, self.offset + at)
            at += (u8(self.slab, self.offset + at + 1) + 1) * 8
        if at <= self.length:
            self.protocol = protocol
            self.transport = at

    def port(self, at: int) -> int:
        """The source (0) or destination (2) port; -1: a protocol without ports or a header cut short."""
        p = self.protocol
        if p != TCP and p != UDP and p != SCTP and p != UDP_LITE:
            return -1
        if self.length <= self.transport + 4:
            return -1
        value = be16(self.slab, self.offset + self.transport + at)
        if value == 0 and self.ethertype == ETHERTYPE_IPV6:
            return -1
        return value

    def next_random(self) -> int:
        """A 32-bit number of a xorshift sequence: for the RANDOM match, not for secrets."""
        x = self.random_state
        x ^= (x << 13) & LOW_32
        x ^= x >> 17
        x ^= (x << 5) & LOW_32
        self.random_state = x
        return x

    def characteristics(self) -> int:
        """The frame's characteristics, computed once."""
        if not self.characteristics_known:
            self.characteristics_known = True
            self.characteristics_value = self.address_bits() | self.tcp_flags()
        return self.characteristics_value

    def address_bits(self) -> int:
        """Direction, kind of destination, and what the sender's credentials vouch for."""
        bits = 0
        if self.inbound:
            bits |= INBOUND
        if self.mac_destination & MULTICAST_BIT:
            bits |= MULTICAST
        if self.mac_destination == ALL_ONES_MAC:
            bits |= BROADCAST
        sender = self.remote if self.inbound else self.local
        if self.sender_owns_ip(sender):
            bits |= SENDER_IP_AUTHENTICATED
        if sender.owned and int(self.mac_source).to_bytes(6, "big") in sender.owned:
            bits |= SENDER_MAC_AUTHENTICATED
        return bits

    def tcp_flags(self) -> int:
        """The twelve bits from the reserved ones to FIN."""
        if self.protocol != TCP or self.transport < 0 or self.length <= self.transport + 13:
            return 0
        return be16(self.slab, self.offset + self.transport + 12) & 0xFFF

    def sender_owns_ip(self, sender: Claims) -> bool:
        """Whether a certificate of ownership, or the derivation of the address, covers the sender's IP."""
        o = self.offset
        if self.ethertype == ETHERTYPE_IPV4:
            return self.ip_header and V4_PREFIX + take(self.slab, o + 12, 4) in sender.owned
        if self.ethertype == ETHERTYPE_ARP:
            return self.length >= 28 and V4_PREFIX + take(self.slab, o + 14, 4) in sender.owned
        if self.ethertype != ETHERTYPE_IPV6 or not self.ip_header:
            return False
        kind = -1
        if self.protocol == ICMPV6 and self.transport >= 0 and self.length > self.transport:
            kind = u8(self.slab, o + self.transport)
        if kind == NEIGHBOR_SOLICITATION:
            return True
        at = 8
        if kind == NEIGHBOR_ADVERTISEMENT:
            at = self.transport + 8
            if self.length < at + 16:
                return False
        return self.owns_ipv6(sender, take(self.slab, o + at, 16))

    def owns_ipv6(self, sender: Claims, ip: bytes) -> bool:
        """By certificate, or inbound by lying in the prefix of a derived address that this node has too."""
        if ip in sender.owned:
            return True
        if not self.inbound or not self.config_flags & NDP_EMULATION:
            return False
        return ip.startswith(self.emulated)
