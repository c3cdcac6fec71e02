"""Frame filter decisions against rules.json (PROTOCOL-VL2 7.2, 7.3)."""

from __future__ import annotations

import ipaddress
from typing import Any

from support.vectors import cases, parametrize

from fastzt._core.slab import Slab
from fastzt.identity.identity import Identity
from fastzt.vl2.claims import Claims
from fastzt.vl2.evaluator import judge, run
from fastzt.vl2.frame_context import FrameContext
from fastzt.vl2.program import Program
from fastzt.vl2.verdicts import is_cacheable
from fastzt.wire import address
from fastzt.wire.rules import parse_rules

OUTCOMES = ["no_match", "drop", "accept", "super_accept", "redirect"]
[WORLD] = cases("rules", "filter_environment")
ME = int(WORLD["local_node"], 16)
REMOTE = int(WORLD["remote_node"], 16)
NWID = int(WORLD["network_id"], 16)


def mac_of(text: str) -> int:
    return int(text.replace(":", ""), 16)


def owned(things: list[str]) -> frozenset[bytes]:
    packed = set()
    for thing in things:
        if thing.count(":") == 5 and len(thing) == 17:
            packed.add(bytes.fromhex(thing.replace(":", "")))
        else:
            ip = ipaddress.ip_address(thing).packed
            packed.add(ip if len(ip) == 16 else bytes(10) + b"\xff\xff" + ip)
    return frozenset(packed)


def claims(side: str, capabilities: list[Program] = []) -> Claims:  # noqa: B006
    tags = {tag["id"]: tag["value"] for tag in WORLD[f"{side}_tags"]}
    return Claims(tags, owned(WORLD[f"{side}_owned"]), capabilities)


def emulated(addresses: list[str]) -> tuple[bytes, ...]:
    found = []
    for text in addresses:
        interface = ipaddress.ip_interface(text)
        packed = interface.ip.packed
        bits = interface.network.prefixlen
        if (bits == 40 and packed[0] == 0xFC) or (bits == 88 and packed[0] == 0xFD):
            found.append(packed[: bits // 8])
    return tuple(found)


def load(frame: FrameContext, case: dict[str, Any]) -> FrameContext:
    data = bytes.fromhex(case["frame"])
    slab = Slab(len(data) + 16)
    slab.buffer[7 : 7 + len(data)] = data
    frame.inbound = case["inbound"]
    frame.source = int(case["zt_source"], 16)
    frame.destination = int(case["zt_destination"], 16)
    frame.mac_source = mac_of(case["mac_source"])
    frame.mac_destination = mac_of(case["mac_destination"])
    frame.vlan = case.get("vlan_id", 0)
    frame.config_flags = case.get("config_flags", 0)
    frame.local = claims("local")
    other = frame.source if case["inbound"] else frame.destination
    frame.remote = claims("remote") if other == REMOTE else Claims({}, frozenset(), ())
    frame.emulated = emulated(case.get("local_static_ips", []))
    frame.begin(slab, 7, len(data), case["ether_type"])
    return frame


@parametrize("rules", "filter_environment")
def test_environment(case: dict[str, Any]) -> None:
    nwid = int(case["network_id"], 16)
    assert Identity.parse(case["controller_public"]).address == nwid >> 24
    for node in ("local", "remote", "third"):
        assert mac_of(case[f"{node}_mac"]) == address.mac_of(int(case[f"{node}_node"], 16), nwid)


@parametrize("rules", "filter")
def test_filter(case: dict[str, Any]) -> None:
    frame = load(FrameContext(ME, 12345), case)
    rules, _ = parse_rules(bytes.fromhex(case["rules_serialized"]))
    assert [rule.to_json() for rule in rules] == case["rules"]
    assert OUTCOMES[run(Program(rules), frame)] == case["result"]
    if case["result"] == "redirect":
        assert frame.redirect_to == int(case["redirect_to"], 16)
    if case.get("tee_to"):
        assert frame.tee_to == int(case["tee_to"], 16)
        assert frame.tee_length == case["tee_length"]
        assert frame.tee_watch == case["tee_watch"]
    else:
        assert frame.tee_to == 0
    if is_cacheable(rules):
        assert frame.cacheable
    if frame.tee_to:
        assert not frame.cacheable


@parametrize("rules", "filter_network")
def test_filter_network(case: dict[str, Any]) -> None:
    frame = load(FrameContext(ME, 12345), case)
    frame.remote = Claims({}, frozenset(), ())
    presented = case["remote_capabilities"] if case["inbound"] else case["local_capabilities"]
    fresh = case["capability_age_ms"] <= case["credential_time_max_delta_ms"]
    programs = [Program(parse_rules(bytes.fromhex(c["rules_serialized"]))[0]) for c in presented if fresh]
    base = Program(parse_rules(bytes.fromhex(case["rules_serialized"]))[0])
    outcome = judge(base, programs, frame)
    assert {1: 0, 2: 1, 3: 2, 4: 0}[outcome] == case["accept"]
