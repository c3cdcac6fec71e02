"""Rule lists on the wire and in JSON against rules.json (PROTOCOL-VL2 7.1)."""

from __future__ import annotations

from typing import Any

import pytest
from support.vectors import committed, parametrize

from fastzt.wire.reader import Malformed
from fastzt.wire.rules import ACCEPT, LAYOUTS, NOT_BIT, OR_BIT, Kind, Rule, encode_rules, parse_rules


def raw_type(rule: Rule) -> int:
    return rule.kind | (NOT_BIT if rule.negated else 0) | (OR_BIT if rule.alternative else 0)


@parametrize("rules", "rule")
def test_rule(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["serialized"])
    rules, end = parse_rules(data)
    assert end == len(data)
    assert [rule.to_json() for rule in rules] == [case["deserialized"]]
    assert rules[0].kind == case["type_number"]
    assert rules[0].to_bytes() == data
    assert Rule.from_json(case["rule"]).to_bytes() == data


def test_the_vectors_have_every_kind() -> None:
    assert {case["type_number"] for case in committed("rules", "rule")} == set(LAYOUTS)


@parametrize("rules", "rule_table")
def test_rule_table(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["serialized"])
    rules, end = parse_rules(data)
    assert end == len(data)
    assert [rule.to_json() for rule in rules] == case["rules"]
    assert encode_rules(rules) == data
    assert encode_rules(Rule.from_json(body) for body in case["rules"]) == data


@parametrize("rules", "rule_decode")
def test_rule_decode(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["serialized"])
    if case.get("quirk") or not case["ok"]:
        # A field shorter than its arguments would be read into the next rule: refused instead.
        with pytest.raises(Malformed):
            parse_rules(data, limit=case["max_rules"])
        return
    rules, end = parse_rules(data, limit=case["max_rules"])
    assert end == case["consumed"]
    assert [raw_type(rule) for rule in rules] == [body["raw_type"] for body in case["rules"]]
    expected = [{k: v for k, v in body.items() if k != "raw_type"} for body in case["rules"]]
    assert [rule.to_json() for rule in rules] == expected


def test_unknown_kinds_survive_a_round_trip() -> None:
    data = bytes.fromhex("250208003c05aabbccddee0902112201 00".replace(" ", ""))
    rules, _ = parse_rules(data)
    assert encode_rules(rules) == data


@pytest.mark.parametrize("length", range(1, 32))
def test_every_cut_is_refused_or_a_shorter_list(length: int) -> None:
    whole = encode_rules(
        [Rule(Kind.MATCH_IPV6_SOURCE, (bytes(16), 64)), Rule(Kind.MATCH_ETHERTYPE, (0x800,)), ACCEPT]
    )
    bounds = {19: 1, 23: 2, 25: 3}
    cut = whole[:length]
    if len(cut) in bounds:
        assert len(parse_rules(cut)[0]) == bounds[len(cut)]
    elif length < len(whole):
        with pytest.raises(Malformed):
            parse_rules(cut)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "MATCH_NONSENSE"},
        {"type": "MATCH_ETHERTYPE"},
        {"type": "MATCH_ETHERTYPE", "etherType": 65536},
        {"type": "MATCH_IPV4_SOURCE", "ip": "10.0.0.0/33"},
        {"type": "MATCH_IPV4_SOURCE", "ip": "fd00::/8"},
        {"type": "MATCH_MAC_SOURCE", "mac": "01:02:03:04:05"},
        {"type": "MATCH_SOURCE_ZEROTIER_ADDRESS", "zt": "0102"},
        {"type": "MATCH_CHARACTERISTICS", "mask": "x"},
        {"type": "INTEGER_RANGE", "start": "0", "end": "0", "idx": 0, "bits": 65},
        {"type": "ACTION_TEE", "address": "zz"},
    ],
    ids=str,
)
def test_bad_json_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="rule"):
        Rule.from_json(body)


# Where the reference's controller makes something else of the JSON, or cannot read a kind: here it is
# refused, or taken as it is meant.
REFUSED_INSTEAD = ("10.1.2.3/99", "2001:db8::/200")
HOST_INSTEAD = {"10.1.2.3": "20050a01020320"}
TAKEN_INSTEAD = ("ACTION_PRIORITY", "INTEGER_RANGE")


@parametrize("rules", "rule_parse")
def test_rule_parse(case: dict[str, Any]) -> None:
    body = case["json"]
    ip = body.get("ip") if isinstance(body, dict) else None
    if ip in REFUSED_INSTEAD:
        with pytest.raises(ValueError, match="prefix length"):
            Rule.from_json(body)
    elif ip in HOST_INSTEAD:
        assert Rule.from_json(body).to_bytes().hex() == HOST_INSTEAD[ip]
    elif isinstance(body, dict) and body.get("type") in TAKEN_INSTEAD:
        assert not case["ok"]
        assert Rule.from_json(body).kind == Kind[body["type"]]
    elif case["ok"]:
        found = Rule.from_json(body)
        assert found.to_bytes().hex() == case["serialized"]
        assert found.to_json() == case["rendered"]
    else:
        with pytest.raises(ValueError, match="rule"):
            Rule.from_json(body)
