"""Controller records: what may be set, which addresses a member gets, and that files survive two writers."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest

from fastzt.errors import InputError, StateError
from fastzt.node.roles.assignment import Address, assign
from fastzt.node.roles.controller_store import ControllerStore, merge
from fastzt.node.roles.records import change_member, change_network, new_member, new_network

NWID = 0x27DD559980E650F1
NODE = 0x291561FAA1
DERIVED = (
    ipaddress.ip_address("fd27:dd55:9980:e650:f199:9329:1561:faa1"),
    ipaddress.ip_address("fca7:3b05:6829:1561:faa1::1"),
)


def network(**fields: Any) -> dict[str, Any]:
    return change_network(new_network(NWID, 1000), fields)


def pooled(start: str = "10.121.15.1", end: str = "10.121.15.254", **fields: Any) -> dict[str, Any]:
    return network(
        routes=[{"target": "10.121.15.0/24", "via": None}],
        ipAssignmentPools=[{"ipRangeStart": start, "ipRangeEnd": end}],
        v4AssignMode={"zt": True},
        **fields,
    )


def member(**fields: Any) -> dict[str, Any]:
    return change_member(new_member(NWID, NODE, 1000), fields)


def given(net: dict[str, Any], who: dict[str, Any], taken: set[Address] | None = None) -> list[str]:
    entropy = iter(range(1, 2000))
    result = assign(net, who, taken or set(), DERIVED, lambda n: next(entropy).to_bytes(n, "big"))
    return [f"{ip}/{bits}" for ip, bits in result.static]


def test_the_address_follows_from_the_node() -> None:
    assert given(pooled(), member()) == ["10.121.15.75/24"]


def test_a_taken_address_is_passed_over() -> None:
    taken = {ipaddress.ip_address("10.121.15.75"), ipaddress.ip_address("10.121.15.76")}
    assert given(pooled(), member(), taken) == ["10.121.15.77/24"]


def test_a_full_pool_gives_nothing() -> None:
    taken = {ipaddress.ip_address(f"10.121.15.{i}") for i in range(1, 254)}
    assert given(pooled(), member(), taken) == []


def test_the_last_address_of_a_pool_and_broadcasts_are_never_chosen() -> None:
    net = pooled("10.121.15.254", "10.121.15.255")
    assert given(net, member()) == ["10.121.15.254/24"]
    assert given(net, member(), {ipaddress.ip_address("10.121.15.254")}) == []


def test_a_pool_of_one() -> None:
    assert given(pooled("10.121.15.9", "10.121.15.9"), member()) == ["10.121.15.9/24"]


def test_a_pool_outside_every_route_gives_nothing() -> None:
    assert given(pooled("10.9.0.1", "10.9.0.9"), member()) == []


def test_held_addresses_come_first_with_the_longest_route() -> None:
    net = pooled()
    net["routes"].append({"target": "10.121.0.0/16", "via": None})
    who = member(ipAssignments=["10.121.15.3", "10.121.9.3", "192.168.1.1"])
    assert given(net, who) == ["10.121.15.3/24", "10.121.9.3/16"]


def test_automatic_assignment_can_be_switched_off() -> None:
    net = pooled(v6AssignMode={"rfc4193": True})
    assert given(net, member(noAutoAssignIps=True)) == []
    assert given(net, member(noAutoAssignIps=True, ipAssignments=["10.121.15.3"])) == ["10.121.15.3/24"]


def test_derived_addresses_lead() -> None:
    net = pooled(v6AssignMode={"rfc4193": True, "6plane": True})
    assert given(net, member()) == [f"{DERIVED[0]}/88", f"{DERIVED[1]}/40", "10.121.15.75/24"]


def test_a_wide_pool_takes_the_nodes_address_and_a_narrow_one_draws() -> None:
    def v6(end: str) -> dict[str, Any]:
        return network(
            routes=["fd00::/64"],
            ipAssignmentPools=[{"ipRangeStart": "fd00::", "ipRangeEnd": end}],
            v6AssignMode={"zt": True},
        )

    assert given(v6("fd00::ffff:ffff:ffff:ffff"), member()) == ["fd00::29:1561:faa1/64"]
    assert given(v6("fd00::ff"), member()) == ["fd00::1/64"]
    assert given(v6("fd00::ff"), member(), {ipaddress.ip_address("fd00::1")}) == ["fd00::2/64"]


def test_a_route_with_a_gateway_gives_no_ipv6() -> None:
    net = network(
        routes=[{"target": "fd00::/64", "via": "fd00::1"}],
        ipAssignmentPools=[{"ipRangeStart": "fd00::", "ipRangeEnd": "fd00::ff"}],
        v6AssignMode={"zt": True},
    )
    assert given(net, member()) == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"routes": ["10.0.0.1/24"]}, "10.0.0.1/24"),
        ({"routes": [{"target": "10.0.0.0/24", "via": "fd00::1"}]}, "fd00::1"),
        ({"ipAssignmentPools": [{"ipRangeStart": "10.0.0.9", "ipRangeEnd": "10.0.0.1"}]}, "10.0.0.9"),
        ({"ipAssignmentPools": [{"ipRangeStart": "x", "ipRangeEnd": "10.0.0.1"}]}, "'x'"),
        ({"mtu": 900}, "mtu"),
        ({"mtu": True}, "mtu"),
        ({"private": "no"}, "private"),
        ({"name": "x" * 128}, "name"),
        ({"v4AssignMode": {"dhcp": True}}, "v4AssignMode"),
        ({"creationTime": 5}, "creationTime"),
        ({"authTokens": ["x"]}, "authTokens"),
    ],
)
def test_a_bad_network_field_is_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        network(**fields)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"authorized": 1}, "authorized"),
        ({"ipAssignments": ["ten"]}, "'ten'"),
        ({"identity": "x"}, "identity"),
    ],
)
def test_a_bad_member_field_is_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        member(**fields)


def test_records_survive_a_restart(tmp_path: Path) -> None:
    store = ControllerStore(tmp_path / "controller.d")
    store.save(NWID, 0, pooled())
    store.save(NWID, NODE, member(authorized=True))
    store.flush()
    text = (tmp_path / "controller.d/network" / f"{NWID:016x}/member/{NODE:010x}.json").read_text()
    assert json.loads(text)["authorized"] is True
    again = ControllerStore(tmp_path / "controller.d")
    assert again.networks == store.networks
    assert again.members == store.members
    assert again.pending() == []


def test_deleting_a_network_deletes_its_members(tmp_path: Path) -> None:
    store = ControllerStore(tmp_path)
    store.save(NWID, 0, pooled())
    store.save(NWID, NODE, member())
    store.flush()
    store.save(NWID, 0, None)
    store.flush()
    assert not list((tmp_path / "network").rglob("*"))
    assert ControllerStore(tmp_path).networks == {}
    assert store.scan() == []


def test_changes_of_two_writers_are_merged(tmp_path: Path) -> None:
    """A command authorizes a member while the running controller notes its version."""
    running = ControllerStore(tmp_path)
    running.save(NWID, 0, pooled())
    running.save(NWID, NODE, member())
    running.flush()
    command = ControllerStore(tmp_path)
    command.save(NWID, NODE, {**member(), "authorized": True})
    command.flush()
    running.save(NWID, NODE, {**member(), "vMajor": 1})
    running.flush()  # must not undo what the command wrote
    assert ControllerStore(tmp_path).members[NWID][NODE]["authorized"] is True
    [change] = running.scan()
    record = running.apply(change)
    assert record is not None
    assert (record["authorized"], record["vMajor"]) == (True, 1)
    running.flush()
    assert ControllerStore(tmp_path).members[NWID][NODE] == record
    assert running.scan() == []


def test_a_deletion_by_another_process_is_seen(tmp_path: Path) -> None:
    running = ControllerStore(tmp_path)
    running.save(NWID, 0, pooled())
    running.flush()
    command = ControllerStore(tmp_path)
    command.save(NWID, 0, None)
    command.flush()
    [change] = running.scan()
    assert (change.key, change.theirs) == ((NWID, 0), None)
    assert running.apply(change) is None
    assert running.networks == {}


def test_a_broken_record_is_named(tmp_path: Path) -> None:
    path = tmp_path / "network" / f"{NWID:016x}.json"
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(StateError, match=path.name):
        ControllerStore(tmp_path)


def test_merge_keeps_both_sides() -> None:
    assert merge({"a": 1, "b": 1}, {"a": 2, "b": 1, "c": 3}, {"a": 1, "b": 5}) == {"a": 2, "b": 5, "c": 3}
