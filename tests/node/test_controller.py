"""The controller: who is let in, what is signed, pushed and revoked. Sending is observed at the switch."""

from __future__ import annotations

import ipaddress

import pytest
from support.controller import ALICE, BOB, IDENTITIES, METADATA, OWN, WALL, Bench, assemble
from support.vectors import COMMITTED, load

from fastzt._core.endpoint import Endpoint
from fastzt.errors import InputError
from fastzt.identity.identity import Identity
from fastzt.identity.worlds import is_signed_by, replaces
from fastzt.node.roles import registry
from fastzt.node.roles.controller import SECOND
from fastzt.node.roles.root import is_root, make_planet
from fastzt.wire.com import agrees
from fastzt.wire.config_request import Metadata
from fastzt.wire.credentials_packet import NetworkCredentials
from fastzt.wire.error_body import ErrorBody
from fastzt.wire.network_config import NetworkConfig
from fastzt.wire.rules import parse_rules
from fastzt.wire.verbs import ErrorCode, Verb
from fastzt.wire.world import World


def rule_types(config: NetworkConfig) -> list[str]:
    return [rule.to_json()["type"] for rule in parse_rules(config.rules)[0]]


def test_a_private_network_refuses_until_authorized() -> None:
    bench = Bench()
    assert bench.refused(ALICE) == ErrorCode.NETWORK_ACCESS_DENIED
    [record] = bench.controller.members(bench.nwid)
    assert (record["id"], record["authorized"]) == (f"{ALICE.address:010x}", False)
    assert record["identity"] == ALICE.to_text()
    bench.authorize(ALICE)
    config = bench.configured(ALICE)
    assert config.issued_to == ALICE.address
    assert config.nwid == bench.nwid
    assert (config.name, config.mtu, config.multicast_limit) == ("office", 2800, 32)
    assert config.enable_broadcast
    assert not config.is_public
    assert rule_types(config) == ["ACTION_ACCEPT"]
    assert str(config.routes[0].target) == "10.121.15.0/24"
    [address] = config.static_ips
    assert ipaddress.ip_address(address.ip) in ipaddress.ip_network("10.121.15.0/24")
    assert address.bits == 24


def test_what_it_signs_verifies_and_lets_members_talk() -> None:
    bench = Bench()
    bench.authorize(ALICE)
    bench.authorize(BOB)
    alice, bob = bench.configured(ALICE), bench.configured(BOB)
    for config, who in ((alice, ALICE), (bob, BOB)):
        assert config.com is not None
        assert config.com.signer == OWN.address
        assert OWN.verify(config.com.signed_bytes, config.com.signature)
        assert (config.com.timestamp, config.com.issued_to) == (config.timestamp, who.address)
        [owned] = config.ownerships
        assert OWN.verify(owned.signed_bytes, owned.signature)
        assert owned.things[0].value[:4] == config.static_ips[0].ip
    assert alice.com is not None
    assert bob.com is not None
    assert agrees(alice.com, bob.com, BOB.public_hash())
    assert not agrees(alice.com, bob.com, ALICE.public_hash())
    assert alice.static_ips != bob.static_ips
    assert alice.timestamp == WALL + (bench.now - 2 * SECOND) // 1000


def test_an_unknown_network_is_not_found_and_a_foreign_one_is_silence() -> None:
    bench = Bench()
    known, bench.nwid = bench.nwid, bench.nwid ^ 1
    assert bench.refused(ALICE) == ErrorCode.OBJECT_NOT_FOUND
    bench.nwid = BOB.address << 24 | 5
    assert bench.ask(ALICE) is None
    assert bench.controller.members(known) == []


def test_a_second_request_within_a_second_is_dropped() -> None:
    bench = Bench()
    assert bench.refused(ALICE) == ErrorCode.NETWORK_ACCESS_DENIED
    assert bench.ask(ALICE, after=1) is None
    assert bench.ask(BOB, after=0) is not None
    assert bench.refused(ALICE) == ErrorCode.NETWORK_ACCESS_DENIED


def test_a_public_network_lets_everybody_in() -> None:
    bench = Bench(private=False)
    config = bench.configured(ALICE)
    assert config.is_public
    assert config.com is not None
    [record] = bench.controller.members(bench.nwid)
    assert record["lastAuthorizedCredentialType"] == "public"
    assert record["lastAuthorizedTime"] > 0


@pytest.mark.parametrize(("expiry", "good"), [(0, True), (WALL * 2, True), (WALL, False)])
def test_a_token_authorizes_until_it_expires(expiry: int, good: bool) -> None:
    bench = Bench(authTokens={"sesame": expiry})
    metadata = Metadata(token="sesame").to_bytes()
    assert isinstance(bench.ask(ALICE, metadata), NetworkConfig) is good
    assert isinstance(bench.ask(BOB, Metadata(token="wrong").to_bytes()), ErrorBody)
    [record, _] = bench.controller.members(bench.nwid)
    assert record["lastAuthorizedCredentialType"] == ("token" if good else None)


def test_no_tokens_as_the_reference_writes_it_lets_nobody_in() -> None:
    bench = Bench()
    record = {**bench.controller.network(bench.nwid), "authTokens": [None]}
    bench.store.save(bench.nwid, 0, record)
    assert bench.refused(ALICE, Metadata(token="x").to_bytes()) == ErrorCode.NETWORK_ACCESS_DENIED


def test_another_identity_at_a_known_address_is_refused() -> None:
    bench = Bench(private=False)
    bench.configured(ALICE)
    impostor = Identity(ALICE.address, BOB.public)
    assert bench.refused(impostor) == ErrorCode.NETWORK_ACCESS_DENIED
    assert bench.controller.members(bench.nwid)[0]["identity"] == ALICE.to_text()


def test_login_comes_first_where_the_record_demands_it() -> None:
    bench = Bench()
    bench.authorize(ALICE)
    url = "https://login.example/"
    record = {**bench.controller.network(bench.nwid), "ssoEnabled": True, "authorizationEndpoint": url}
    bench.store.save(bench.nwid, 0, record)
    answer = bench.ask(ALICE)
    assert isinstance(answer, ErrorBody)
    assert answer.code == ErrorCode.NETWORK_AUTHENTICATION_REQUIRED
    assert answer.authentication.url == url


def test_a_member_keeps_its_address() -> None:
    bench = Bench()
    bench.authorize(ALICE)
    first = bench.configured(ALICE).static_ips
    assert bench.configured(ALICE).static_ips == first
    [record] = bench.controller.members(bench.nwid)
    assert record["ipAssignments"] == [str(ipaddress.ip_address(first[0].ip))]


def test_two_members_never_share_an_address() -> None:
    pool = [{"ipRangeStart": "10.121.15.1", "ipRangeEnd": "10.121.15.3"}]
    bench = Bench(ipAssignmentPools=pool, private=False)
    given = [bench.configured(who).static_ips for who in IDENTITIES[1:4]]
    assert [len(ips) for ips in given] == [1, 1, 0]
    assert given[0] != given[1]


def test_derived_addresses_switch_ndp_emulation_on() -> None:
    bench = Bench(private=False, v6AssignMode={"rfc4193": True, "6plane": True})
    config = bench.configured(ALICE)
    assert config.ndp_emulation
    assert [ip.bits for ip in config.static_ips] == [88, 40, 24]


def test_tags_capabilities_and_rules_are_issued() -> None:
    rules = [{"type": "MATCH_ETHERTYPE", "etherType": 2048, "not": True}, {"type": "ACTION_DROP"}]
    ssh = {"id": 5, "default": True, "rules": [{"type": "ACTION_ACCEPT"}]}
    bench = Bench(
        private=False,
        rules=rules,
        tags=[{"id": 7, "default": 70}, {"id": 3, "default": None}, {"id": 9, "default": 1}],
        capabilities=[ssh, {"id": 6, "rules": []}],
    )
    bench.controller.update_member(bench.nwid, ALICE.address, {"tags": [[9, 90], [3, 30]]}, bench.now)
    config = bench.configured(ALICE)
    assert [(tag.id, tag.value) for tag in config.tags] == [(3, 30), (7, 70), (9, 90)]
    assert all(OWN.verify(tag.signed_bytes, tag.signature) for tag in config.tags)
    [capability] = config.capabilities
    assert (capability.id, capability.issued_to) == (5, ALICE.address)
    assert OWN.verify(capability.signed_bytes, capability.custody[0].signature)
    assert rule_types(config) == [
        "MATCH_ETHERTYPE",
        "ACTION_DROP",
    ]
    old = bench.configured(ALICE, Metadata(rules_engine=0).to_bytes())
    assert (old.tags, old.capabilities) == ((), ())
    assert rule_types(old) == ["ACTION_ACCEPT"]


def test_an_unreadable_rule_drops_what_reaches_it() -> None:
    bench = Bench(private=False)
    record = {
        **bench.controller.network(bench.nwid),
        "rules": [{"type": "MATCH_MOON"}, {"type": "ACTION_ACCEPT"}],
    }
    bench.store.save(bench.nwid, 0, record)
    config = bench.configured(ALICE)
    assert rule_types(config) == [
        "ACTION_DROP",
        "ACTION_ACCEPT",
    ]


def test_a_long_config_goes_in_chunks() -> None:
    rules = [{"type": "MATCH_IPV6_SOURCE", "ip": f"fd00::{i:x}/128"} for i in range(1000)]
    bench = Bench(private=False, rules=[*rules, {"type": "ACTION_ACCEPT"}])
    config = bench.configured(ALICE)
    assert len(bench.wire.replies) >= 2
    assert len(parse_rules(config.rules)[0]) == 1001


def test_a_change_of_the_network_is_pushed_to_members_online() -> None:
    bench = Bench(private=False)
    bench.configured(ALICE)
    bench.configured(BOB)
    assert bench.pushed() == []
    bench.controller.update_network(bench.nwid, {"mtu": 1500}, bench.now)
    assert bench.pushed() == sorted([ALICE.address, BOB.address])
    assert assemble(bench.last[:1]).mtu == 1500
    bench.controller.update_network(bench.nwid, {"mtu": 1500}, bench.now)
    assert bench.pushed() == []
    bench.now += 121 * SECOND
    bench.configured(BOB)
    bench.controller.update_network(bench.nwid, {"mtu": 1400}, bench.now)
    assert bench.pushed() == [BOB.address]


def test_authorizing_a_waiting_member_pushes_its_config() -> None:
    bench = Bench()
    assert bench.refused(ALICE) == ErrorCode.NETWORK_ACCESS_DENIED
    bench.authorize(ALICE)
    assert bench.pushed() == [ALICE.address]
    assert assemble(bench.last).issued_to == ALICE.address
    assert bench.controller.configured_recently(bench.nwid, ALICE.address, bench.now)


def test_deauthorizing_revokes_and_a_new_certificate_outlives_it() -> None:
    bench = Bench()
    for who in (ALICE, BOB):
        bench.authorize(who)
        bench.configured(who)
    assert bench.controller.configured_recently(bench.nwid, ALICE.address, bench.now)
    bench.authorize(ALICE, False)
    assert bench.pushed(Verb.NETWORK_CREDENTIALS) == sorted([ALICE.address, BOB.address])
    [revocation] = NetworkCredentials.parse(bench.last[0]).revocations
    assert (revocation.target, revocation.nwid, revocation.kind) == (ALICE.address, bench.nwid, 1)
    assert revocation.fast_propagate
    assert OWN.verify(revocation.signed_bytes, revocation.signature)
    assert not bench.controller.configured_recently(bench.nwid, ALICE.address, bench.now)
    assert bench.refused(ALICE) == ErrorCode.NETWORK_ACCESS_DENIED
    bench.authorize(ALICE)
    config = bench.configured(ALICE)
    assert config.com is not None
    assert config.com.timestamp > revocation.threshold


def test_deleting_a_network_revokes_its_members() -> None:
    bench = Bench()
    bench.authorize(ALICE)
    bench.configured(ALICE)
    bench.controller.delete_network(bench.nwid, bench.now)
    assert bench.pushed(Verb.NETWORK_CREDENTIALS) == [ALICE.address]
    assert bench.refused(ALICE) == ErrorCode.OBJECT_NOT_FOUND
    with pytest.raises(InputError, match=f"{bench.nwid:016x}"):
        bench.controller.network(bench.nwid)


def test_recent_configuration_lasts_three_minutes() -> None:
    bench = Bench(private=False)
    bench.configured(ALICE)
    assert bench.controller.configured_recently(bench.nwid, ALICE.address, bench.now + 179 * SECOND)
    assert not bench.controller.configured_recently(bench.nwid, ALICE.address, bench.now + 181 * SECOND)
    assert not bench.controller.configured_recently(bench.nwid, BOB.address, bench.now)


def test_a_member_of_its_own_network() -> None:
    bench = Bench()
    assert bench.controller.configure(bench.nwid, METADATA, bench.now) == ErrorCode.NETWORK_ACCESS_DENIED
    bench.authorize(OWN)
    assert bench.pushed() == []
    [(nwid, pushed)] = bench.own
    assert nwid == bench.nwid
    assert NetworkConfig.parse(pushed).issued_to == OWN.address
    config = bench.controller.configure(bench.nwid, METADATA, bench.now)
    assert isinstance(config, bytes)
    assert NetworkConfig.parse(config).com is not None
    assert bench.controller.configure(bench.nwid ^ 1, METADATA, bench.now) == ErrorCode.OBJECT_NOT_FOUND


def test_strangers_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_WAITING", 2)
    bench = Bench()
    for who in IDENTITIES[1:5]:
        assert bench.refused(who) == ErrorCode.NETWORK_ACCESS_DENIED
    waiting = {record["id"] for record in bench.controller.members(bench.nwid)}
    assert waiting == {f"{who.address:010x}" for who in IDENTITIES[3:5]}


def test_the_reference_controllers_records_serve_as_they_are() -> None:
    """The network object that a captured session ended with, as the reference wrote it."""
    session = load("trace", COMMITTED)[0]
    bench = Bench()
    nwid = OWN.address << 24 | 0xABCDEF
    record = {**session["network"], "id": f"{nwid:016x}", "nwid": f"{nwid:016x}"}
    bench.store.save(nwid, 0, record)
    bench.nwid = nwid
    bench.authorize(ALICE)
    config = bench.configured(ALICE)
    assert len(config.routes) == len(record["routes"])
    assert len(config.static_ips) >= 1


def test_a_planet_is_signed_and_follows_its_predecessor() -> None:
    endpoints = [Endpoint.parse("192.0.2.1", 9993), Endpoint.parse("2001:db8::1", 9993)]
    first = make_planet([(OWN, endpoints)], OWN, 1000)
    assert World.parse(first.to_bytes()) == first
    assert is_signed_by(first, OWN.public)
    assert is_root(OWN, first)
    assert not is_root(Identity(OWN.address, BOB.public), first)
    assert first.roots[0].endpoints == tuple(endpoints)
    second = make_planet([(OWN, endpoints), (BOB, endpoints[:1])], OWN, 2000)
    assert replaces(first, second)
    assert not replaces(second, first)
    assert not replaces(first, make_planet([(BOB, endpoints)], BOB, 3000))


def test_a_planet_without_roots_or_endpoints_is_refused() -> None:
    with pytest.raises(InputError, match="1 to 4 roots"):
        make_planet([], OWN, 1000)
    with pytest.raises(InputError, match="endpoints"):
        make_planet([(OWN, [])], OWN, 1000)
