"""Rules as text of the rule language: what `compile_rules` makes the same rules of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...wire.rules import Kind
from .values import U32
from .words import ACTIONS, CHARACTERISTICS, ETHERTYPES, IP_MATCHES, MATCHES, PROTOCOLS, TAG_MATCHES

Json = Mapping[str, Any]
INDENT = "  "
ACTION_WORDS = {kind.name: word for word, kind in ACTIONS.items()}
MATCH_WORDS = {kind.name: word for word, kind in MATCHES.items()}
MATCH_WORDS |= {kind.name: word for word, kinds in IP_MATCHES.items() for kind in kinds.values()}
TAG_KINDS = frozenset(MATCHES[word].name for word in TAG_MATCHES)
# The first name of a number is the one that is written.
ETHERTYPE_NAMES = {number: name for name, number in ETHERTYPES.items()}
PROTOCOL_NAMES = {number: name for name, number in reversed(PROTOCOLS.items())}
BIT_NAMES = {bit: name for name, bit in CHARACTERISTICS.items()}


def network_text(network: Json) -> str:
    """Tags, capabilities and rules of a network's record."""
    parts = [tag_text(entry) for entry in network.get("tags") or []]
    parts += [capability_text(entry) for entry in network.get("capabilities") or []]
    parts.append(rules_text(network.get("rules") or []))
    return "\n".join(part for part in parts if part)


def tag_text(entry: Json) -> str:
    """A tag, named by its number."""
    default = "" if entry.get("default") is None else f" default {entry['default']}"
    return f"tag tag_{entry['id']} id {entry['id']}{default};\n"


def capability_text(entry: Json) -> str:
    """A capability, named by its number."""
    default = " default" if entry.get("default") else ""
    rules = "".join(f"{INDENT}{line}\n" for line in rules_text(entry.get("rules") or []).splitlines())
    return f"cap cap_{entry['id']} id {entry['id']}{default}\n{rules};\n"


def rules_text(rules: Iterable[Json]) -> str:
    """Rules, one set after the other."""
    lines: list[str] = []
    matches: list[str] = []
    for rule in rules:
        word = ACTION_WORDS.get(rule["type"])
        if word is None:
            matches.append(match_text(rule))
            continue
        head = word + action_arguments(rule)
        lines += [f"{head};"] if not matches else [head, *(INDENT + match for match in matches), ";"]
        matches = []
    lines += [f"# without an action: {match}" for match in matches]
    return "".join(f"{line}\n" for line in lines)


def action_arguments(rule: Json) -> str:
    """What stands behind the action's word."""
    copied = (
        f" {rule.get('length', 0)}" if rule["type"] in (Kind.ACTION_TEE.name, Kind.ACTION_WATCH.name) else ""
    )
    return f"{copied} {rule['address']}" if "address" in rule else ""


def match_text(rule: Json) -> str:
    """One match with `or` and `not`."""
    word = MATCH_WORDS.get(rule["type"], f"unknown_{rule.get('type_number')}")
    signs = ("or " if rule.get("or") else "") + ("not " if rule.get("not") else "")
    return f"{signs}{word} {arguments(word, rule)}".rstrip()


def arguments(word: str, rule: Json) -> str:
    """The arguments of a match."""
    if word in TAG_MATCHES:
        return f"{rule['id']} {rule['value']}"
    if word in IP_MATCHES:
        return str(rule["ip"])
    writer = WRITERS.get(word)
    return "" if writer is None else writer(rule)


def span(rule: Json) -> str:
    start, end = rule["start"], rule["end"]
    return str(start) if start == end else f"{start}-{end}"


def probability(rule: Json) -> str:
    """A share that gives exactly this number again."""
    wanted = int(rule["probability"])
    share = min(1.0, (wanted + 0.5) / U32)
    return repr(share if int(U32 * share) == wanted else wanted / U32)


def characteristics(rule: Json) -> str:
    mask = int(rule["mask"], 16)
    bits = [bit for bit in range(63, -1, -1) if mask >> bit & 1]
    return ",".join(BIT_NAMES.get(bit, str(bit)) for bit in bits) or ","


def integer(rule: Json) -> str:
    start, end = int(rule["start"], 16), int(rule["end"], 16)
    return f"{start}-{end} {rule['idx']} {rule['bits']}{'le' if rule['little'] else ''}"


WRITERS: dict[str, Callable[[Json], str]] = {
    "ztsrc": lambda rule: str(rule["zt"]),
    "ztdest": lambda rule: str(rule["zt"]),
    "vlan": lambda rule: str(rule["vlanId"]),
    "vlanpcp": lambda rule: str(rule["vlanPcp"]),
    "vlandei": lambda rule: str(rule["vlanDei"]),
    "ethertype": lambda rule: ETHERTYPE_NAMES.get(rule["etherType"], f"0x{rule['etherType']:04x}"),
    "macsrc": lambda rule: str(rule["mac"]),
    "macdest": lambda rule: str(rule["mac"]),
    "iptos": lambda rule: f"{rule['mask']} {span(rule)}",
    "ipprotocol": lambda rule: PROTOCOL_NAMES.get(rule["ipProtocol"], str(rule["ipProtocol"])),
    "icmp": lambda rule: f"{rule['icmpType']} {-1 if rule['icmpCode'] is None else rule['icmpCode']}",
    "sport": span,
    "dport": span,
    "chr": characteristics,
    "framesize": span,
    "random": probability,
    "integer": integer,
}
