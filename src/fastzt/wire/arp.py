"""ARP for IPv4 over Ethernet: 28 bytes (RFC 826)."""

from __future__ import annotations

from dataclasses import dataclass

from .._core.endpoint import V4_PREFIX
from .reader import Malformed, Reader
from .writer import Writer

ETHERTYPE = 0x0806
REQUEST, REPLY = 1, 2
SIZE = 28
_ETHERNET_IPV4 = b"\0\1\x08\0\6\4"  # hardware, protocol and their address sizes


@dataclass(frozen=True, slots=True)
class Arp:
    """`operation` REQUEST or REPLY; IPs are 16 bytes, IPv4 mapped."""

    operation: int
    sender_mac: int
    sender_ip: bytes
    target_mac: int
    target_ip: bytes

    @classmethod
    def parse(cls, data: bytes) -> Arp:
        """From an Ethernet payload, padding ignored; Malformed for any other hardware or protocol."""
        reader = Reader(data)
        if reader.take(6) != _ETHERNET_IPV4:
            raise Malformed("not ARP for IPv4 over Ethernet")
        operation, sender_mac, sender_ip = reader.u16(), reader.mac(), reader.take(4)
        target_mac, target_ip = reader.mac(), reader.take(4)
        return cls(operation, sender_mac, V4_PREFIX + sender_ip, target_mac, V4_PREFIX + target_ip)

    def to_bytes(self) -> bytes:
        """28 bytes."""
        out = Writer().raw(_ETHERNET_IPV4).u16(self.operation)
        out.mac(self.sender_mac).raw(self.sender_ip[12:])
        return out.mac(self.target_mac).raw(self.target_ip[12:]).to_bytes()

    def reply(self, mac: int) -> Arp:
        """The answer to this request from the owner of the target IP, whose MAC is `mac`."""
        return Arp(REPLY, mac, self.target_ip, self.sender_mac, self.sender_ip)
