"""The rule engine as PROTOCOL-VL2 7.1 to 7.3 tells it, slow and plain: rules are JSON, frames are bytes.

What the engine of fastzt decides is compared with this. Nothing of fastzt is used.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Rule = dict[str, Any]

IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
EXTENSION_HEADERS = (0, 43, 60, 135)
WITH_PORTS = (6, 17, 132, 136)
UNKNOWN_MATCHES_ARE_TRUE = 0x8
NDP_EMULATION = 0x4


@dataclass
class Frame:
    """One frame with all that rules may ask about it; owned things are ip_address objects and MAC ints."""

    data: bytes
    ethertype: int
    inbound: bool
    me: int
    source: int
    destination: int
    mac_source: int
    mac_destination: int
    vlan: int = 0
    flags: int = 0
    local_tags: dict[int, int] = field(default_factory=dict)
    remote_tags: dict[int, int] = field(default_factory=dict)
    local_owned: frozenset[Any] = frozenset()
    remote_owned: frozenset[Any] = frozenset()
    emulated: tuple[ipaddress.IPv6Network, ...] = ()


class Copy(NamedTuple):
    """A TEE or WATCH that was met."""

    to: int
    length: int
    watch: bool


class Verdict(NamedTuple):
    """`outcome`: no_match, drop, accept, super_accept, redirect. `copies`: base rules, capability."""

    outcome: str
    redirect_to: int
    copies: tuple[Copy | None, ...]


class Forced(Exception):
    """A result that NOT does not touch; `skip`: the next DROP is spared."""

    def __init__(self, value: bool, skip: bool = False) -> None:
        super().__init__()
        self.value = value
        self.skip = skip


NO, YES, HOPEFULLY = Forced(False), Forced(True), Forced(True, skip=True)


def decide(base: list[Rule], capabilities: list[list[Rule]], frame: Frame) -> Verdict:
    """Base rules, then, if they leave it open, capabilities until one accepts; else drop."""
    first = run(base, frame)
    if first.outcome != "no_match":
        return first
    for rules in capabilities:
        found = run(rules, frame)
        if found.outcome in ("accept", "super_accept", "redirect"):
            return Verdict(found.outcome, found.redirect_to, first.copies + found.copies)
    return Verdict("drop", 0, ())


def run(rules: list[Rule], frame: Frame) -> Verdict:
    """One rule list, in sets: matches, then the action that they guard."""
    copy: Copy | None = None
    is_super = skip_drop = False
    matches: list[Rule] = []
    for rule in rules:
        if not is_action(rule):
            matches.append(rule)
            continue
        holds, skips = all_hold(matches, is_super, frame)
        matches = []
        skip_drop = skip_drop or skips
        kind = rule["type"]
        copying = kind in ("ACTION_TEE", "ACTION_WATCH", "ACTION_REDIRECT")
        target = int(rule["address"], 16) if copying else 0
        if not holds:
            is_super = is_super or (copying and frame.inbound and target == frame.me)
        elif kind == "ACTION_DROP":
            if not skip_drop:
                return Verdict("drop", 0, (copy,))
            skip_drop = False
        elif kind == "ACTION_ACCEPT":
            return Verdict("super_accept" if is_super else "accept", 0, (copy,))
        elif kind == "ACTION_PRIORITY":
            return Verdict("accept", 0, (copy,))
        elif kind == "ACTION_BREAK":
            return Verdict("no_match", 0, (copy,))
        elif copying and target != frame.source:
            if target == frame.me:
                if frame.inbound:
                    return Verdict("super_accept", 0, (copy,))
            elif target != frame.destination:
                if kind == "ACTION_REDIRECT":
                    return Verdict("redirect", target, (copy,))
                cut = rule["length"] or len(frame.data)
                copy = Copy(target, min(cut, len(frame.data)), kind == "ACTION_WATCH")
    return Verdict("no_match", 0, (copy,))


def is_action(rule: Rule) -> bool:
    """Whether a rule ends a set."""
    return rule["type"].startswith("ACTION_") or rule.get("type_number", 99) <= 15


def all_hold(matches: list[Rule], is_super: bool, frame: Frame) -> tuple[bool, bool]:
    """Whether a set holds, left to right, and whether a tag that may yet be shown spares the next DROP."""
    holds, skips = True, False
    for rule in matches:
        if holds or rule["or"]:
            try:
                result = matching(rule, is_super, frame) != rule["not"]
            except Forced as forced:
                result = forced.value
                skips = skips or forced.skip
            holds = (holds or result) if rule["or"] else (holds and result)
    return holds, skips


def matching(rule: Rule, is_super: bool, frame: Frame) -> bool:
    """One match without its NOT; raises Forced."""
    kind = rule["type"].removeprefix("MATCH_")
    simple = {
        "SOURCE_ZEROTIER_ADDRESS": lambda: frame.source == int(rule["zt"], 16),
        "DEST_ZEROTIER_ADDRESS": lambda: frame.destination == int(rule["zt"], 16),
        "VLAN_ID": lambda: frame.vlan == rule["vlanId"],
        "VLAN_PCP": lambda: rule["vlanPcp"] == 0,
        "VLAN_DEI": lambda: rule["vlanDei"] == 0,
        "MAC_SOURCE": lambda: frame.mac_source == int(rule["mac"].replace(":", ""), 16),
        "MAC_DEST": lambda: frame.mac_destination == int(rule["mac"].replace(":", ""), 16),
        "ETHERTYPE": lambda: frame.ethertype == rule["etherType"],
        "FRAME_SIZE_RANGE": lambda: rule["start"] <= len(frame.data) <= rule["end"],
        "RANDOM": lambda: rule["probability"] == 0xFFFFFFFF,  # others are not drawn
        "CHARACTERISTICS": lambda: bool(characteristics(frame) & int(rule["mask"], 16)),
        "INTEGER_RANGE": lambda: in_range(rule, frame.data),
        "UNKNOWN": lambda: bool(frame.flags & UNKNOWN_MATCHES_ARE_TRUE),
    }
    if kind in simple:
        return simple[kind]()
    if kind.startswith("TAG"):
        return tag(kind, rule, is_super, frame)
    return ip(kind, rule, frame)


def addresses(frame: Frame) -> tuple[Any, Any]:
    """Source and destination IP; raises Forced for what is no IP packet."""
    data = frame.data
    if frame.ethertype == IPV4 and len(data) >= 20:
        return ipaddress.ip_address(data[12:16]), ipaddress.ip_address(data[16:20])
    if frame.ethertype == IPV6 and len(data) >= 40:
        return ipaddress.ip_address(data[8:24]), ipaddress.ip_address(data[24:40])
    raise NO


def transport(frame: Frame) -> tuple[int, int]:
    """Protocol and where its header begins; raises Forced when there is none to be found."""
    addresses(frame)
    data = frame.data
    if frame.ethertype == IPV4:
        return data[9], 4 * (data[0] & 15)
    protocol, at = data[6], 40
    while protocol in EXTENSION_HEADERS:
        if len(data) < at + 8:
            raise NO
        protocol, at = data[at], at + 8 * (data[at + 1] + 1)
    if at > len(data):
        raise NO
    return protocol, at


def ip(kind: str, rule: Rule, frame: Frame) -> bool:
    """The matches over IP and transport headers."""
    if kind.startswith("IPV"):
        source, destination = addresses(frame)
        seen = source if kind.endswith("SOURCE") else destination
        if seen.version != int(kind[3]):
            raise NO
        text, _, bits = rule["ip"].partition("/")
        wanted = ipaddress.ip_address(text)
        if seen.version == 4:
            return seen in ipaddress.ip_network((wanted, min(int(bits), 32)), strict=False)
        return wanted == ipaddress.ip_network((seen, min(int(bits), 128)), strict=False).network_address
    if kind == "IP_TOS":
        addresses(frame)
        word = int.from_bytes(frame.data[:2], "big")
        tos = word & 0xFF if frame.ethertype == IPV4 else word >> 4 & 0xFF
        return bool(rule["start"] <= tos & rule["mask"] <= rule["end"])
    protocol, at = transport(frame)
    if kind == "IP_PROTOCOL":
        return bool(protocol == rule["ipProtocol"])
    header = frame.data[at:]
    if kind == "ICMP":
        if (
            protocol != (1 if frame.ethertype == IPV4 else 58)
            or len(header) < 2
            or header[0] != rule["icmpType"]
        ):
            raise NO
        if rule["icmpCode"] is None:
            raise YES
        return bool(header[1] == rule["icmpCode"])
    assert kind in ("IP_SOURCE_PORT_RANGE", "IP_DEST_PORT_RANGE"), kind
    if protocol not in WITH_PORTS or len(header) <= 4:
        return False
    port = int.from_bytes(header[:2] if "SOURCE" in kind else header[2:4], "big")
    if port == 0 and frame.ethertype == IPV6:
        return False
    return bool(rule["start"] <= port <= rule["end"])


def tag(kind: str, rule: Rule, is_super: bool, frame: Frame) -> bool:
    """The matches over tags: a tag that the other end has not shown (yet) is one matter out, another in."""
    local, remote = frame.local_tags.get(rule["id"]), frame.remote_tags.get(rule["id"])
    value = rule["value"]
    if kind in ("TAG_SENDER", "TAG_RECEIVER"):
        if is_super:
            raise HOPEFULLY
        is_remote = (kind == "TAG_SENDER") == frame.inbound
        held = remote if is_remote else local
        if held is None:
            raise HOPEFULLY if is_remote and kind == "TAG_RECEIVER" else NO
        return bool(held == value)
    if local is None:
        raise NO
    if remote is None:
        raise NO if frame.inbound and not is_super else HOPEFULLY
    return bool(
        {
            "TAGS_DIFFERENCE": abs(local - remote) <= value,
            "TAGS_BITWISE_AND": local & remote == value,
            "TAGS_BITWISE_OR": local | remote == value,
            "TAGS_BITWISE_XOR": local ^ remote == value,
            "TAGS_EQUAL": local == value and remote == value,
        }[kind]
    )


def in_range(rule: Rule, data: bytes) -> bool:
    """INTEGER_RANGE: big endian at the end of the eight bytes from `idx`, little endian at their start."""
    bits = rule["bits"]
    size = -(-bits // 8)
    begin = rule["idx"] if rule["little"] else rule["idx"] + 8 - size
    field = data[begin : begin + size]
    if len(field) < size:
        value = 0
    elif rule["little"]:
        value = int.from_bytes(field, "little") >> (8 * size - bits)
    else:
        value = int.from_bytes(field, "big") % 2**bits
    start, end = int(rule["start"], 16), int(rule["end"], 16)
    return start <= value <= (start + (end - start) % 2**32) % 2**64


def characteristics(frame: Frame) -> int:
    """The bits of 7.1."""
    bits = frame.inbound << 63
    bits |= (frame.mac_destination >> 40 & 1) << 62
    bits |= (frame.mac_destination == 0xFFFFFFFFFFFF) << 61
    owned = frame.remote_owned if frame.inbound else frame.local_owned
    bits |= speaks_for_its_ip(frame, owned) << 60
    bits |= (frame.mac_source in owned) << 59
    try:
        protocol, at = transport(frame)
    except Forced:
        return bits
    if protocol == 6 and len(frame.data) > at + 13:
        bits |= int.from_bytes(frame.data[at + 12 : at + 14], "big") & 0xFFF
    return bits


def speaks_for_its_ip(frame: Frame, owned: frozenset[Any]) -> bool:
    """Whether the sender may use the IP that it speaks from, or for."""
    data = frame.data
    if frame.ethertype == ARP:
        return len(data) >= 28 and ipaddress.ip_address(data[14:18]) in owned
    try:
        source, _ = addresses(frame)
    except Forced:
        return False
    if frame.ethertype == IPV4:
        return source in owned
    try:
        protocol, at = transport(frame)
        kind = data[at] if protocol == 58 and len(data) > at else None
    except Forced:
        kind = None
    if kind == 135:
        return True
    if kind == 136:
        if len(data) < at + 24:
            return False
        source = ipaddress.ip_address(data[at + 8 : at + 24])
    planned = (
        frame.inbound and bool(frame.flags & NDP_EMULATION) and any(source in net for net in frame.emulated)
    )
    return source in owned or planned
