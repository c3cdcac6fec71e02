"""Rules of a network: the binary list of configs and capabilities, and the JSON form (PROTOCOL-VL2 7.1)."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Any, NamedTuple

from .reader import Malformed

MAX_RULES = 1024
MAX_CAPABILITY_RULES = 64
NOT_BIT = 0x80
OR_BIT = 0x40
KIND_MASK = 0x3F
LAST_ACTION = 15

Arguments = tuple[Any, ...]
Json = Mapping[str, Any]


class Kind(IntEnum):
    """The low six bits of a rule's first byte; up to 15 actions, above matches."""

    ACTION_DROP = 0
    ACTION_ACCEPT = 1
    ACTION_TEE = 2
    ACTION_WATCH = 3
    ACTION_REDIRECT = 4
    ACTION_BREAK = 5
    ACTION_PRIORITY = 6
    MATCH_SOURCE_ZEROTIER_ADDRESS = 24
    MATCH_DEST_ZEROTIER_ADDRESS = 25
    MATCH_VLAN_ID = 26
    MATCH_VLAN_PCP = 27
    MATCH_VLAN_DEI = 28
    MATCH_MAC_SOURCE = 29
    MATCH_MAC_DEST = 30
    MATCH_IPV4_SOURCE = 31
    MATCH_IPV4_DEST = 32
    MATCH_IPV6_SOURCE = 33
    MATCH_IPV6_DEST = 34
    MATCH_IP_TOS = 35
    MATCH_IP_PROTOCOL = 36
    MATCH_ETHERTYPE = 37
    MATCH_ICMP = 38
    MATCH_IP_SOURCE_PORT_RANGE = 39
    MATCH_IP_DEST_PORT_RANGE = 40
    MATCH_CHARACTERISTICS = 41
    MATCH_FRAME_SIZE_RANGE = 42
    MATCH_RANDOM = 43
    MATCH_TAGS_DIFFERENCE = 44
    MATCH_TAGS_BITWISE_AND = 45
    MATCH_TAGS_BITWISE_OR = 46
    MATCH_TAGS_BITWISE_XOR = 47
    MATCH_TAGS_EQUAL = 48
    MATCH_TAG_SENDER = 49
    MATCH_TAG_RECEIVER = 50
    INTEGER_RANGE = 51


@dataclass(frozen=True, slots=True)
class Rule:
    """One action or match; arguments in wire order (addresses as bytes), of unknown kinds their raw bytes."""

    kind: int
    arguments: Arguments = ()
    negated: bool = False
    alternative: bool = False

    def is_action(self) -> bool:
        """Whether it ends a chain of matches."""
        return self.kind <= LAST_ACTION

    def to_bytes(self) -> bytes:
        """Type byte with NOT and OR bits, length, arguments."""
        layout = LAYOUTS.get(self.kind)
        data = layout.struct.pack(*self.arguments) if layout else self.arguments[0]
        head = self.kind | (NOT_BIT if self.negated else 0) | (OR_BIT if self.alternative else 0)
        return bytes([head, len(data)]) + data

    def to_json(self) -> dict[str, Any]:
        """The controller's JSON object."""
        layout = LAYOUTS.get(self.kind)
        if layout is None:
            return {"type": "UNKNOWN", "type_number": self.kind, "not": self.negated, "or": self.alternative}
        body: dict[str, Any] = {"type": layout.name, **layout.render(self.arguments)}
        if not self.is_action() or self.kind == Kind.ACTION_PRIORITY:
            body.update({"not": self.negated, "or": self.alternative})
        return body

    @classmethod
    def from_json(cls, body: Json) -> Rule:
        """From the controller's JSON object; ValueError names what is wrong."""
        if not isinstance(body, Mapping):
            raise ValueError(f"a rule is an object, not {body!r}")
        name = body.get("type")
        layout = BY_NAME.get(name) if isinstance(name, str) else None
        if layout is None:
            raise ValueError(f"unknown rule type {name!r}")
        try:
            arguments = tuple(layout.read(body))
            layout.struct.pack(*arguments)
        except (KeyError, TypeError, ValueError, OverflowError, struct.error) as error:
            raise ValueError(f"rule {layout.name}: {error!r}") from None
        action = layout.kind <= LAST_ACTION
        negated, alternative = (False, False) if action else (bool(body.get("not")), bool(body.get("or")))
        return cls(layout.kind, arguments, negated, alternative)


class Layout(NamedTuple):
    """How one kind of rule is laid out on the wire and in JSON."""

    kind: int
    name: str
    struct: Struct
    render: Callable[[Arguments], dict[str, Any]]
    read: Callable[[Json], Iterable[Any]]


def numbers(kind: Kind, format: str, *keys: str) -> Layout:
    """Arguments that are plain numbers in JSON too."""
    return Layout(
        kind,
        kind.name,
        Struct(format),
        lambda arguments: dict(zip(keys, arguments, strict=True)),
        lambda body: [int(body[key]) for key in keys],
    )


def span(kind: Kind) -> Layout:
    """A range of 16-bit numbers; without an end it is the start alone."""
    return Layout(
        kind,
        kind.name,
        Struct(">HH"),
        lambda a: {"start": a[0], "end": a[1]},
        lambda body: [int(body["start"]), int(body.get("end", body["start"]))],
    )


def hex_address(kind: Kind) -> Layout:
    return Layout(
        kind,
        kind.name,
        Struct(">5s"),
        lambda arguments: {"zt": arguments[0].hex()},
        lambda body: [exactly(5, bytes.fromhex(body["zt"]))],
    )


def mac(kind: Kind) -> Layout:
    return Layout(
        kind,
        kind.name,
        Struct(">6s"),
        lambda arguments: {"mac": arguments[0].hex(":")},
        lambda body: [exactly(6, bytes.fromhex(body["mac"].replace(":", "")))],
    )


def prefix(kind: Kind, size: int) -> Layout:
    """An IP network as `a.b.c.d/bits`; host bits are kept as they are."""

    def read(body: Json) -> list[Any]:
        text, _, bits = str(body["ip"]).partition("/")
        length = int(bits) if bits else size * 8
        if not 0 <= length <= size * 8:
            raise ValueError(f"prefix length {length}")
        return [exactly(size, ipaddress.ip_address(text).packed), length]

    return Layout(
        kind,
        kind.name,
        Struct(f">{size}sB"),
        lambda arguments: {"ip": f"{ipaddress.ip_address(arguments[0])}/{arguments[1]}"},
        read,
    )


def copy_action(kind: Kind) -> Layout:
    """TEE and WATCH: address, flags and the length to which the copy is cut."""
    return Layout(
        kind,
        kind.name,
        Struct(">QIH"),
        lambda a: {"address": f"{a[0]:010x}", "flags": a[1], "length": a[2]},
        lambda body: [address_of(body), int(body.get("flags", 0)), int(body.get("length", 0))],
    )


def redirect_action() -> Layout:
    return Layout(
        Kind.ACTION_REDIRECT,
        Kind.ACTION_REDIRECT.name,
        Struct(">QIH"),
        lambda a: {"address": f"{a[0]:010x}", "flags": a[1]},
        lambda body: [address_of(body), int(body.get("flags", 0)), 0],
    )


def icmp() -> Layout:
    """Flag 1: the code counts too; in JSON a code of null stands for any."""

    def read(body: Json) -> list[int]:
        code = body.get("icmpCode")
        return [int(body["icmpType"]), 0 if code is None else int(code), 0 if code is None else 1]

    return Layout(
        Kind.MATCH_ICMP,
        Kind.MATCH_ICMP.name,
        Struct(">BBB"),
        lambda a: {"icmpType": a[0], "icmpCode": a[1] if a[2] & 1 else None},
        read,
    )


def characteristics() -> Layout:
    return Layout(
        Kind.MATCH_CHARACTERISTICS,
        Kind.MATCH_CHARACTERISTICS.name,
        Struct(">Q"),
        lambda a: {"mask": f"{a[0]:016x}"},
        lambda body: [wide(body["mask"])],
    )


def integer_range() -> Layout:
    """Format byte: number of bits less one, and 0x80 for little endian."""

    def read(body: Json) -> list[int]:
        bits = int(body["bits"])
        if not 1 <= bits <= 64:
            raise ValueError(f"{bits} bits")
        order = 0x80 if body.get("little") else 0
        return [wide(body["start"]), wide(body["end"]), int(body["idx"]), (bits - 1) | order]

    return Layout(
        Kind.INTEGER_RANGE,
        Kind.INTEGER_RANGE.name,
        Struct(">QQHB"),
        lambda a: {
            "start": f"{a[0]:016x}",
            "end": f"{a[1]:016x}",
            "idx": a[2],
            "bits": (a[3] & 0x3F) + 1,
            "little": bool(a[3] & 0x80),
        },
        read,
    )


def priority() -> Layout:
    """The bucket has no place on the wire."""
    kind = Kind.ACTION_PRIORITY
    return Layout(kind, kind.name, Struct(""), lambda a: {"type_number": kind.value}, lambda body: [])


def wide(value: Any) -> int:
    """A number of 64 bits: hex digits as text, or a plain number."""
    return int(value, 16) if isinstance(value, str) else int(value)


def exactly(size: int, data: bytes) -> bytes:
    if len(data) != size:
        raise ValueError(f"{len(data)} bytes instead of {size}")
    return data


def address_of(body: Json) -> int:
    return int.from_bytes(exactly(5, bytes.fromhex(body["address"])), "big")


def layouts() -> Iterable[Layout]:
    """Every kind that there is."""
    yield numbers(Kind.ACTION_DROP, "")
    yield numbers(Kind.ACTION_ACCEPT, "")
    yield copy_action(Kind.ACTION_TEE)
    yield copy_action(Kind.ACTION_WATCH)
    yield redirect_action()
    yield numbers(Kind.ACTION_BREAK, "")
    yield priority()
    yield hex_address(Kind.MATCH_SOURCE_ZEROTIER_ADDRESS)
    yield hex_address(Kind.MATCH_DEST_ZEROTIER_ADDRESS)
    yield numbers(Kind.MATCH_VLAN_ID, ">H", "vlanId")
    yield numbers(Kind.MATCH_VLAN_PCP, ">B", "vlanPcp")
    yield numbers(Kind.MATCH_VLAN_DEI, ">B", "vlanDei")
    yield mac(Kind.MATCH_MAC_SOURCE)
    yield mac(Kind.MATCH_MAC_DEST)
    yield prefix(Kind.MATCH_IPV4_SOURCE, 4)
    yield prefix(Kind.MATCH_IPV4_DEST, 4)
    yield prefix(Kind.MATCH_IPV6_SOURCE, 16)
    yield prefix(Kind.MATCH_IPV6_DEST, 16)
    yield numbers(Kind.MATCH_IP_TOS, ">BBB", "mask", "start", "end")
    yield numbers(Kind.MATCH_IP_PROTOCOL, ">B", "ipProtocol")
    yield numbers(Kind.MATCH_ETHERTYPE, ">H", "etherType")
    yield icmp()
    yield span(Kind.MATCH_IP_SOURCE_PORT_RANGE)
    yield span(Kind.MATCH_IP_DEST_PORT_RANGE)
    yield characteristics()
    yield span(Kind.MATCH_FRAME_SIZE_RANGE)
    yield numbers(Kind.MATCH_RANDOM, ">I", "probability")
    for kind in range(Kind.MATCH_TAGS_DIFFERENCE, Kind.MATCH_TAG_RECEIVER + 1):
        yield numbers(Kind(kind), ">II", "id", "value")
    yield integer_range()


LAYOUTS = {layout.kind: layout for layout in layouts()}
BY_NAME = {layout.name: layout for layout in LAYOUTS.values()}
ACCEPT = Rule(Kind.ACTION_ACCEPT)
DROP = Rule(Kind.ACTION_DROP)


def parse_rules(data: bytes, offset: int = 0, limit: int = MAX_RULES) -> tuple[tuple[Rule, ...], int]:
    """Rules from `offset` until the data ends or `limit` of them are read, and the offset after the last.

    Bytes beyond a known kind's arguments are skipped; a field shorter than they are is Malformed.
    """
    rules: list[Rule] = []
    while offset < len(data) and len(rules) < limit:
        if offset + 2 > len(data) or offset + 2 + data[offset + 1] > len(data):
            raise Malformed("rule is cut off", offset)
        head, length = data[offset], data[offset + 1]
        rules.append(parse_rule(head, data[offset + 2 : offset + 2 + length], offset))
        offset += 2 + length
    return tuple(rules), offset


def parse_rule(head: int, data: bytes, offset: int) -> Rule:
    """One rule of type byte `head` with its field."""
    kind = head & KIND_MASK
    layout = LAYOUTS.get(kind)
    arguments: Arguments = (data,)
    if layout is not None:
        if len(data) < layout.struct.size:
            raise Malformed("rule field is too short", offset)
        arguments = layout.struct.unpack_from(data)
    return Rule(kind, arguments, bool(head & NOT_BIT), bool(head & OR_BIT))


def encode_rules(rules: Iterable[Rule]) -> bytes:
    """The concatenated rules."""
    return b"".join(rule.to_bytes() for rule in rules)
