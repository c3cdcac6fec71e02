"""Which rules make a decision hold for one packet only, so that no flow may cache it.

A flow is (network, family, addresses, ports, protocol) of one peer. A rule that reads anything else of a
packet makes every decision that it takes part in a decision about that packet.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..wire.rules import Kind, Rule

PER_PACKET = frozenset(
    {
        Kind.ACTION_TEE,
        Kind.ACTION_WATCH,
        Kind.ACTION_REDIRECT,
        Kind.MATCH_VLAN_ID,
        Kind.MATCH_IP_TOS,
        Kind.MATCH_ICMP,
        Kind.MATCH_FRAME_SIZE_RANGE,
        Kind.MATCH_RANDOM,
        Kind.INTEGER_RANGE,
    }
)
TCP_FLAGS = 0xFFF  # the characteristics that differ from packet to packet of a flow


def is_per_packet(rule: Rule) -> bool:
    """Whether the outcome of the rule may differ between two packets of one flow."""
    if rule.kind == Kind.MATCH_CHARACTERISTICS:
        return bool(rule.arguments[0] & TCP_FLAGS)
    return rule.kind in PER_PACKET


def is_cacheable(rules: Iterable[Rule]) -> bool:
    """Whether every decision of the list holds for the whole flow.

    The evaluator is finer: it looks only at the rules that a decision has passed through.
    """
    return not any(is_per_packet(rule) for rule in rules)
