"""Ad-hoc networks: all follows from the id, and nobody is asked (PROTOCOL-VL2 1.6); vl2_addr.json."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from support.vectors import committed, parametrize

from fastzt._core.datagram_batch import TransmitBatch
from fastzt._core.slab import Slab
from fastzt.identity.identity import Identity
from fastzt.vl2.events import ConfigChanged, Denied, Joined
from fastzt.wire.rules import parse_rules
from vl2.bench import World, ip_of, ipv4
from vl2.direct import Direct

STATUS = {"OK": "OK", "NOT_FOUND": "NOT_FOUND", "REQUESTING_CONFIGURATION": "REQUESTING"}
IPV4_NETWORK = 0xFF0A000000000001


@parametrize("vl2_addr", "adhoc_network")
def test_adhoc_network(case: dict[str, Any]) -> None:
    me = Identity.parse(case["node_secret"])
    node = Direct(me)
    network = node.networks.join(int(case["network_id"], 16), node.now)
    out = TransmitBatch(Slab(65536))
    assert not node.switch.transmit(out, node.now)
    assert out.count == case["packets_sent"]
    assert network.status.name == STATUS[case["status"]]
    config = network.config
    assert (config is not None) == case["configured"]
    if config is None:
        return
    assert (config.name, config.mtu, config.flags) == (case["config_name"], case["mtu"], case["flags"])
    assert config.is_public == (case["type"] == "public")
    assert config.multicast_limit == case["multicast_limit"]
    assert config.credential_max_delta == case["credential_time_max_delta"]
    assert config.revision == case["revision"]
    assert [f"{s.value:016x}" for s in config.specialists] == case["specialists"]
    assert config.rules.hex() == case["rules_serialized"]
    assert [rule.to_json() for rule in parse_rules(config.rules)[0]] == case["rules"]
    assert network.mac == int(case["mac"].replace(":", ""), 16)
    wanted = [ipaddress.ip_interface(text) for text in case["static_ips"]]
    assert [(ip.ip, ip.bits) for ip in config.static_ips] == [
        (interface.ip.packed, interface.network.prefixlen) for interface in wanted
    ]
    assert [bits for _, bits in network.addresses] == [interface.network.prefixlen for interface in wanted]


def test_a_made_config_stays() -> None:
    me = Identity.parse(committed("vl2_addr", "adhoc_network")[0]["node_secret"])
    node = Direct(me)
    network = node.networks.join(IPV4_NETWORK, node.now)
    generation = network.generation
    assert [type(event) for event in node.networks.events()][:2] == [Joined, ConfigChanged]
    for _ in range(3):
        node.now += 61_000_000
        node.networks.tick(node.now)
    assert network.generation == generation
    assert node.networks.events() == []


def test_a_port_range_that_ends_before_it_begins_is_reported_once() -> None:
    me = Identity.parse(committed("vl2_addr", "adhoc_network")[0]["node_secret"])
    node = Direct(me)
    node.networks.join(0xFF00640063000000, node.now)
    node.now += 61_000_000
    node.networks.tick(node.now)
    assert [type(event) for event in node.networks.events()] == [Denied]


def test_nobody_can_push_a_config_to_it() -> None:
    [me, other] = [Identity.parse(case["secret_string"]) for case in committed("identity", "identity")[:2]]
    node = Direct(me, other)
    network = node.networks.join(IPV4_NETWORK, node.now)
    before = network.config_bytes
    for payload in (network.nwid.to_bytes(8, "big") + b"\0\4v=\x37\n", network.nwid.to_bytes(8, "big")):
        assert node.hand(other, 0x0C, payload) == 0
    assert network.config_bytes == before


@pytest.mark.parametrize("nwid", [IPV4_NETWORK, 0xFF1C6ABD09B8EB01])
def test_members_meet_without_a_controller(nwid: int) -> None:
    world = World()
    networks = []
    for host in (world.a, world.b):
        network = host.networks.join(nwid, world.now)
        network.bind(host.stack)
        networks.append(network)
    world.flush()
    world.run(2)
    a, b = networks
    peer = world.meet(a, ip_of(b))
    assert peer.address == world.b.address
    world.send_ip(a, peer, ipv4(ip_of(a), ip_of(b), b"hello"))
    world.run(1)
    assert [data[20:] for _, data, _ in world.b.stack.inputs] == [b"hello"]
