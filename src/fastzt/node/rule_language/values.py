"""Values of the rule language: what the arguments of matches and actions may be. All raise ValueError."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from ...wire.address import parse_address
from ...wire.rules import Kind
from .words import CHARACTERISTICS, ETHERTYPES, IP_MATCHES, PROTOCOLS

NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")
NAME = re.compile(r"[^\W\d]\w*")
U8, U16, U32, U64 = 0xFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


def number(text: str, limit: int = U32) -> int:
    """A decimal or 0x hexadecimal number."""
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    value = int(text, 16 if text[:2] in ("0x", "0X") else 10)
    if value > limit:
        raise ValueError(f"{text} is above {limit}")
    return value


def named(text: str, names: Mapping[str, int], limit: int) -> int:
    """A number, or one of the names that stand for one."""
    found = names.get(text.lower())
    if found is not None:
        return found
    if NUMBER.fullmatch(text):
        return number(text, limit)
    raise ValueError(f"{text!r} is neither a number nor a known name")


def span(text: str, limit: int) -> tuple[int, int]:
    """`n`, or `low-high`."""
    low, dash, high = text.partition("-")
    start = number(low, limit)
    end = number(high, limit) if dash else start
    if end < start:
        raise ValueError(f"the range {text} ends before it begins")
    return start, end


def ports(text: str) -> dict[str, Any]:
    start, end = span(text, U16)
    return {"start": start, "end": end}


def node(text: str) -> str:
    """A ZeroTier address: 10 hex digits."""
    return f"{parse_address(text.lower()):010x}"


def mac(text: str) -> dict[str, Any]:
    digits = re.sub(r"[:.-]", "", text.lower())
    if not re.fullmatch(r"[0-9a-f]{12}", digits):
        raise ValueError(f"{text!r} is not a MAC address")
    return {"mac": bytes.fromhex(digits).hex(":")}


def prefix(text: str) -> tuple[int, dict[str, Any]]:
    """An IP network; its family, and the field of the rule."""
    address, slash, _ = text.partition("/")
    if not slash:
        raise ValueError(f"{text!r} lacks the /bits of its prefix")
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an IP network") from None
    if interface.version == 6 and interface.ip != interface.network.network_address:
        raise ValueError(
            f"{text} would never match: bits behind the prefix are set (write {interface.network})"
        )
    return interface.version, {"ip": f"{ipaddress.ip_address(address)}/{interface.network.prefixlen}"}


def ip_match(word: str, text: str) -> tuple[Kind, dict[str, Any]]:
    """`ipsrc` and `ipdest`: the kind follows from the address."""
    family, fields = prefix(text)
    return IP_MATCHES[word][family], fields


def tos(mask: str, values: str) -> dict[str, Any]:
    start, end = span(values, U8)
    return {"mask": number(mask, U8), "start": start, "end": end}


def icmp(kind: str, code: str) -> dict[str, Any]:
    """Type and code; code -1: any."""
    return {"icmpType": number(kind, U8), "icmpCode": None if code == "-1" else number(code, U8)}


def characteristics(text: str) -> dict[str, Any]:
    """Names or numbers of bits, joined by commas: any of them matches."""
    bits = {named(part, CHARACTERISTICS, 63) for part in text.split(",") if part}
    return {"mask": f"{sum(1 << bit for bit in bits):016x}"}


def probability(text: str) -> dict[str, Any]:
    """A share of 1."""
    try:
        share = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a probability from 0 to 1") from None
    if not 0 <= share <= 1:
        raise ValueError(f"{text} is not from 0 to 1")
    return {"probability": int(U32 * share)}


def integer(values: str, index: str, width: str) -> dict[str, Any]:
    """`low-high`, the index of the first byte, and a width in bits, with `le` behind it if little endian."""
    start, end = span(values, U64)
    little = width.lower().endswith("le")
    bits = number(width[:-2] if little else width, 64)
    if not bits:
        raise ValueError("a width of no bits")
    if end - start > U32:
        raise ValueError(f"the range {values} is wider than 32 bits")
    return {
        "start": f"{start:016x}",
        "end": f"{end:016x}",
        "idx": number(index, U16),
        "bits": bits,
        "little": little,
    }


def length(text: str) -> int:
    """How many bytes of a frame are copied; 0 or -1: all."""
    return 0 if text == "-1" else number(text, U16)


SIMPLE: dict[str, Any] = {
    "ztsrc": lambda text: {"zt": node(text)},
    "ztdest": lambda text: {"zt": node(text)},
    "vlan": lambda text: {"vlanId": number(text, U16)},
    "vlanpcp": lambda text: {"vlanPcp": number(text, U8)},
    "vlandei": lambda text: {"vlanDei": number(text, U8)},
    "ethertype": lambda text: {"etherType": named(text, ETHERTYPES, U16)},
    "macsrc": mac,
    "macdest": mac,
    "iptos": tos,
    "ipprotocol": lambda text: {"ipProtocol": named(text, PROTOCOLS, U8)},
    "icmp": icmp,
    "sport": ports,
    "dport": ports,
    "chr": characteristics,
    "framesize": ports,
    "random": probability,
    "integer": integer,
}
ARITY = {"iptos": 2, "icmp": 2, "integer": 3}
