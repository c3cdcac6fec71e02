"""Addresses and what derives from them: network ids, MACs, IPv6 plans, multicast groups.

Addresses are ints of 40 bits, network ids of 64, MACs of 48; IPs are 16 bytes, IPv4 mapped (PROTOCOL-VL2 1).
"""

from __future__ import annotations

import re

from .._core.endpoint import V4_PREFIX
from ..errors import InputError

ADDRESS_MAX = (1 << 40) - 1
BROADCAST_MAC = (1 << 48) - 1
ALL_NODES_MAC = 0x333300000001  # ff02::1, RFC 2464 7
RFC4193_BITS = 88
SIXPLANE_BITS = 40
_SOLICITED_NODE = 0x3333FF000000  # RFC 4291 2.7.1 in an Ethernet MAC, RFC 2464 7
_HEX = re.compile(r"[0-9a-fA-F]+")
_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")


def _hex(text: str, digits: int, what: str) -> int:
    if len(text) != digits or not _HEX.fullmatch(text):
        raise InputError(f"{text!r} is not {what}: {digits} hexadecimal digits expected")
    return int(text, 16)


def parse_address(text: str) -> int:
    """A ZeroTier address from its 10 hex digits; raises InputError, also for a reserved one."""
    address = _hex(text, 10, "a ZeroTier address")
    if is_reserved(address):
        raise InputError(f"{text!r} is not a ZeroTier address: zero and ff… are reserved")
    return address


def format_address(address: int) -> str:
    """10 lower-case hex digits."""
    return f"{address:010x}"


def parse_network_id(text: str) -> int:
    """A network id from its 16 hex digits; raises InputError."""
    return _hex(text, 16, "a network id")


def format_network_id(nwid: int) -> str:
    """16 lower-case hex digits."""
    return f"{nwid:016x}"


def parse_mac(text: str) -> int:
    """A MAC from aa:bb:cc:dd:ee:ff; raises InputError."""
    if not _MAC.fullmatch(text):
        raise InputError(f"{text!r} is not a MAC: six pairs of hexadecimal digits joined by colons expected")
    return int(text.replace(":", ""), 16)


def format_mac(mac: int) -> str:
    """aa:bb:cc:dd:ee:ff."""
    return mac.to_bytes(6, "big").hex(":")


def is_reserved(address: int) -> bool:
    """Whether no node may have this address: zero, or first byte ff (PROTOCOL-VL1 2.2)."""
    return address == 0 or address >> 32 == 0xFF


def controller_of(nwid: int) -> int:
    """The address of the controller of a network."""
    return nwid >> 24


def _first_octet(nwid: int) -> int:
    octet = nwid & 0xFE | 0x02
    return 0x32 if octet == 0x52 else octet  # 52 is what several hypervisors use


def _mask(nwid: int) -> int:
    """What octets 1 to 5 are XORed with: bytes 1 to 5 of the network id, least significant first."""
    return int.from_bytes(nwid.to_bytes(8, "little")[1:6], "big")


def mac_of(address: int, nwid: int) -> int:
    """The MAC of a node on a network (PROTOCOL-VL2 1.2)."""
    return _first_octet(nwid) << 40 | address ^ _mask(nwid)


def address_of(mac: int, nwid: int) -> int:
    """The node a MAC belongs to; only meaningful when `is_member_mac`."""
    return mac & ADDRESS_MAX ^ _mask(nwid)


def is_member_mac(mac: int, nwid: int) -> bool:
    """Whether a MAC is that of a member: anything else is behind a bridge."""
    return mac >> 40 == _first_octet(nwid)


def is_multicast_mac(mac: int) -> bool:
    """Whether the group bit is set (broadcast included)."""
    return bool(mac >> 40 & 1)


def rfc4193(address: int, nwid: int) -> bytes:
    """The RFC 4193 IPv6 address of a node, prefix /88 (PROTOCOL-VL2 1.4)."""
    return b"\xfd" + nwid.to_bytes(8, "big") + b"\x99\x93" + address.to_bytes(5, "big")


def sixplane(address: int, nwid: int) -> bytes:
    """The 6PLANE IPv6 address of a node, prefix /40; the node owns the /80 below it (PROTOCOL-VL2 1.4)."""
    folded = (nwid ^ nwid >> 32) & 0xFFFFFFFF
    return b"\xfc" + folded.to_bytes(4, "big") + address.to_bytes(5, "big") + bytes(5) + b"\1"


def link_local(mac: int) -> bytes:
    """The link-local IPv6 address of a MAC: modified EUI-64, RFC 4291 appendix A."""
    eui = mac.to_bytes(6, "big")
    return b"\xfe\x80" + bytes(6) + bytes([eui[0] ^ 2]) + eui[1:3] + b"\xff\xfe" + eui[3:]


def emulated_owner(own: bytes, bits: int, target: bytes, nwid: int) -> int | None:
    """Who owns `target` by the IPv6 plan of our address `own`/`bits`, without asking (PROTOCOL-VL2 1.5)."""
    plan = rfc4193(0, nwid)[:11]
    if bits == RFC4193_BITS and own[0] == 0xFD and own[9:11] == plan[9:11] and target[:11] == own[:11]:
        return int.from_bytes(target[11:16], "big")
    if bits == SIXPLANE_BITS and own[:5] == sixplane(0, nwid)[:5] == target[:5]:
        return int.from_bytes(target[5:10], "big")
    return None


def group_of(ip: bytes) -> tuple[int, int]:
    """(MAC, ADI) of the group that a multicast IP (16 bytes), or else an IPv4 broadcast, goes to.

    RFC 1112 6.4, RFC 2464 7.
    """
    if not ip.startswith(V4_PREFIX):
        return 0x3333 << 32 | int.from_bytes(ip[12:], "big"), 0
    if ip[12] >> 4 == 14:
        return 0x01005E << 24 | int.from_bytes(ip[13:], "big") & 0x7FFFFF, 0
    return BROADCAST_MAC, 0


def resolution_group(ip: bytes) -> tuple[int, int]:
    """(MAC, ADI) of the group where the owner of an IP (16 bytes) hears ARP or NDP (PROTOCOL-VL2 1.3)."""
    if ip.startswith(V4_PREFIX):
        return BROADCAST_MAC, int.from_bytes(ip[12:], "big")
    return _SOLICITED_NODE | int.from_bytes(ip[13:], "big"), 0
