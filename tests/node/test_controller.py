"""The controller: who is let in, what is signed, pushed and revoked. Sending is observed at the switch."""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.vectors import COMMITTED, committed, load

from fastzt._core.endpoint import Endpoint
from fastzt.errors import InputError
from fastzt.identity.identity import Identity
from fastzt.identity.worlds import is_signed_by, replaces
from fastzt.node.roles import controller as controller_role
from fastzt.node.roles import registry
from fastzt.node.roles.controller import SECOND, Controller
from fastzt.node.roles.controller_store import ControllerStore
from fastzt.node.roles.root import is_root, make_planet
from fastzt.wire.com import agrees
from fastzt.wire.config_chunk import ConfigChunk
from fastzt.wire.config_request import Metadata
from fastzt.wire.credentials_packet import NetworkCredentials
from fastzt.wire.error_body import ErrorBody
from fastzt.wire.network_config import NetworkConfig
from fastzt.wire.rules import parse_rules
from fastzt.wire.verbs import ErrorCode, Verb
from fastzt.wire.world import World

IDENTITIES = [Identity.parse(case["secret_string"]) for case in committed("identity", "identity")]
OWN, ALICE, BOB = IDENTITIES[:3]
WALL = 1_700_000_000_000
METADATA = Metadata(platform="linux/x86_64").to_bytes()
POOLED: dict[str, Any] = {
    "name": "office",
    "routes": ["10.121.15.0/24"],
    "ipAssignmentPools": [{"ipRangeStart": "10.121.15.1", "ipRangeEnd": "10.121.15.254"}],
    "v4AssignMode": {"zt": True},
}


Answer = NetworkConfig | ErrorBody | None


@dataclass
class Peer:
    identity: Identity

    @property
    def address(self) -> int:
        return self.identity.address


@dataclass
class Wire:
    """Stands where the switch stands and keeps what is handed to it."""

    replies: list[tuple[int, bytes]] = field(default_factory=list)
    sent: list[tuple[int, int, bytes]] = field(default_factory=list)

    def reply(
        self, packet: object, payload: bytes, now: int, *, verb: int = Verb.OK, compress: bool = False
    ) -> None:
        self.replies.append((verb, payload))

    def send(self, address: int, verb: int, payload: bytes, now: int, *, compress: bool = False) -> int:
        self.sent.append((address, verb, payload))
        return 1


class Bench:
    """A controller with one network, at a time that tests move."""

    def __init__(self, directory: Path | None = None, **fields: Any) -> None:
        self.wire = Wire()
        self.own: list[tuple[int, bytes]] = []
        source = random.Random(5)
        self.store = ControllerStore(directory)
        self.controller = Controller(OWN, self.store, source.randbytes, WALL)
        self.controller.bind(self.wire, lambda nwid, config, now: self.own.append((nwid, config)))  # type: ignore[arg-type]
        self.now = 10 * SECOND
        self.nwid = int(self.controller.create_network({**POOLED, **fields}, self.now)["id"], 16)

    def ask(self, who: Identity, metadata: bytes = METADATA, after: float = 2) -> Answer:
        """A config request of `who`; its answer."""
        self.now += int(after * SECOND)
        self.wire.replies.clear()
        self.request(who, metadata)
        if not self.wire.replies and self.store.directory is not None:
            self.now = max(self.now, self.controller.deadline())
            work(self)
        return self.answer()

    def request(self, who: Identity, metadata: bytes = METADATA) -> None:
        """A config request, its answer left on the wire."""
        self.controller.request(Peer(who), object(), self.nwid, metadata, self.now)  # type: ignore[arg-type]

    def answer(self) -> Answer:
        """What was replied last."""
        if not self.wire.replies:
            return None
        if self.wire.replies[0][0] == Verb.ERROR:
            return ErrorBody.parse(self.wire.replies[0][1])
        return assemble([payload for _, payload in self.wire.replies])

    def configured(self, who: Identity, metadata: bytes = METADATA) -> NetworkConfig:
        answer = self.ask(who, metadata)
        assert isinstance(answer, NetworkConfig)
        return answer

    def refused(self, who: Identity, metadata: bytes = METADATA) -> ErrorCode:
        answer = self.ask(who, metadata)
        assert isinstance(answer, ErrorBody)
        return ErrorCode(answer.code)

    def authorize(self, who: Identity, authorized: bool = True) -> None:
        self.controller.authorize(self.nwid, who.address, self.now, authorized)

    def pushed(self, verb: int = Verb.NETWORK_CONFIG) -> list[int]:
        """Who was sent something with this verb since the last call, pushes included."""
        while self.controller.deadline() <= self.now:
            self.controller.tick(self.now)
        found = sorted({to for to, sent, _ in self.wire.sent if sent == verb})
        self.last = [payload for _, sent, payload in self.wire.sent if sent == verb]
        self.wire.sent.clear()
        return found


def assemble(payloads: list[bytes]) -> NetworkConfig:
    """The config that chunks carry, each chunk's signature verified."""
    text = b""
    for payload in payloads:
        chunk = ConfigChunk.parse(payload)
        assert OWN.verify(chunk.signed_bytes, chunk.signature)
        assert chunk.offset == len(text)
        text += chunk.data
    assert len(text) == chunk.total
    return NetworkConfig.parse(text)


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


def test_a_restart_finds_networks_members_and_addresses(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.authorize(ALICE)
    before = bench.configured(ALICE)
    bench.controller.close()
    again = Controller(OWN, ControllerStore(tmp_path), random.Random(6).randbytes, WALL)
    answer = again.configure(bench.nwid, METADATA, bench.now)
    assert answer == ErrorCode.NETWORK_ACCESS_DENIED
    assert again.network(bench.nwid) == bench.controller.network(bench.nwid)
    member = again.member(bench.nwid, ALICE.address)
    assert member is not None
    assert member["ipAssignments"] == [str(ipaddress.ip_address(before.static_ips[0].ip))]


def test_a_command_authorizes_while_the_controller_runs(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.refused(ALICE) == ErrorCode.NETWORK_ACCESS_DENIED
    command = command_on(bench)
    command.authorize(bench.nwid, ALICE.address, bench.now)
    command.close()
    bench.now += 2 * SECOND
    work(bench)
    assert bench.pushed() == [ALICE.address]
    command.reload(bench.now)
    command.authorize(bench.nwid, ALICE.address, bench.now, authorized=False)
    command.close()
    bench.now += 2 * SECOND
    work(bench)
    assert bench.pushed(Verb.NETWORK_CREDENTIALS) == [ALICE.address]
    assert bench.refused(ALICE) == ErrorCode.NETWORK_ACCESS_DENIED


def command_on(bench: Bench) -> Controller:
    """The records as a command of another process opens them."""
    assert bench.store.directory is not None
    return Controller(OWN, ControllerStore(bench.store.directory), random.Random(7).randbytes, WALL)


def test_nobody_is_refused_for_what_a_command_has_just_allowed(tmp_path: Path) -> None:
    """The files are read again before a refusal, however short ago the last look was."""
    bench = Bench(tmp_path)
    work(bench)
    command = command_on(bench)
    command.authorize(bench.nwid, ALICE.address, bench.now)
    command.close()
    bench.request(ALICE)
    assert bench.wire.replies == []
    bench.now = bench.controller.deadline()
    work(bench)
    config = bench.answer()
    assert isinstance(config, NetworkConfig)
    assert config.issued_to == ALICE.address
    assert bench.pushed() == []


def test_a_network_that_a_command_has_just_made_is_found(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    work(bench)
    command = command_on(bench)
    bench.nwid = int(command.create_network({**POOLED, "private": False}, bench.now)["id"], 16)
    command.close()
    assert isinstance(bench.ask(ALICE, after=0), NetworkConfig)


def test_a_refusal_comes_after_one_look_for_all_who_wait(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    work(bench)
    looked = bench.now
    for who in IDENTITIES[1:4]:
        bench.request(who)
    assert bench.wire.replies == []
    bench.now = bench.controller.deadline()
    assert 0 < bench.now - looked < SECOND
    bench.controller.tick(bench.now)
    [job] = bench.controller.jobs()
    bench.request(IDENTITIES[4])  # too late for this look
    job.run()
    bench.controller.finish(job, bench.now)
    assert [verb for verb, _ in bench.wire.replies] == [Verb.ERROR] * 3
    bench.now = bench.controller.deadline()
    work(bench)
    assert [verb for verb, _ in bench.wire.replies] == [Verb.ERROR] * 4


def test_those_who_wait_for_a_look_are_answered_when_it_fails(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    work(bench)
    bench.request(ALICE)
    bench.now = bench.controller.deadline()
    bench.controller.tick(bench.now)
    [job] = bench.controller.jobs()
    bench.controller.finish(job, bench.now)  # never run
    assert [verb for verb, _ in bench.wire.replies] == [Verb.ERROR]


def test_no_more_wait_for_a_look_than_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller_role, "MAX_HELD", 2)
    bench = Bench(tmp_path)
    work(bench)
    for who in IDENTITIES[1:4]:
        bench.request(who)
    assert len(bench.wire.replies) == 1


def work(bench: Bench) -> None:
    """Run the file work that is due."""
    bench.controller.tick(bench.now)
    jobs = bench.controller.jobs()
    assert len(jobs) == 1
    assert bench.controller.jobs() == []
    for job in jobs:
        job.run()
        bench.controller.finish(job, bench.now)
    assert bench.controller.error is None


def test_a_failed_write_is_kept_and_tried_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "controller.d")
    network = tmp_path / "controller.d" / "network"
    network.write_text("in the way")
    bench.controller.tick(bench.now)
    [job] = bench.controller.jobs()
    job.run()
    bench.controller.finish(job, bench.now)
    assert bench.controller.error is not None
    assert "network" in str(bench.controller.error)
    network.unlink()
    bench.now += 2 * SECOND
    work(bench)
    assert list(ControllerStore(tmp_path / "controller.d").networks) == [bench.nwid]


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
