"""Recorded sessions: every datagram decrypts, reassembles, decompresses, parses, re-encodes and verifies."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from support.vectors import COMMITTED, DIRECTORY, load

from fastzt._core import fragment, packet
from fastzt._core.armor import SessionKey, dearmor, mask_hello_tail
from fastzt._core.slab import Slab
from fastzt.identity.credentials import Verdict, check, check_capability
from fastzt.identity.identity import Identity
from fastzt.identity.worlds import is_signed_by
from fastzt.wire.arp import ETHERTYPE as ARP
from fastzt.wire.arp import Arp
from fastzt.wire.compression import decompress
from fastzt.wire.config_chunk import ConfigAck, ConfigChunk
from fastzt.wire.config_request import ConfigRequest, Metadata
from fastzt.wire.credentials_packet import NetworkCredentials
from fastzt.wire.error_body import ErrorBody
from fastzt.wire.frame import ExtFrame, Frame
from fastzt.wire.hello import Hello, OkHello
from fastzt.wire.in_re import InRe
from fastzt.wire.multicast import (
    Gather,
    MulticastFrame,
    OkGather,
    OkMulticastFrame,
    encode_likes,
    parse_likes,
)
from fastzt.wire.ndp import ETHERTYPE as IPV6
from fastzt.wire.ndp import Neighbor
from fastzt.wire.network_config import NetworkConfig
from fastzt.wire.push_direct_paths import PushDirectPaths
from fastzt.wire.reader import Malformed
from fastzt.wire.rendezvous import Rendezvous
from fastzt.wire.rules import encode_rules, parse_rules
from fastzt.wire.verbs import COMPRESSED, VERB_MASK, Verb
from fastzt.wire.whois import OkWhois, Whois
from fastzt.wire.world import World

SESSIONS = ["trace", "trace_three_nodes"]
HEADER = 28
VERB = 27
HEAD_OF_FRAGMENTED = 0x40


class Session:
    """The secrets of a recorded session and the packets that its datagrams make."""

    def __init__(self, name: str) -> None:
        self.head, *self.datagrams = load(name)
        secrets = [Identity.parse(entry["secret"]) for entry in self.head["identities"]]
        self.identities = {identity.address: identity for identity in secrets}
        self.keys: dict[tuple[int, int], SessionKey] = {}
        self.parts: dict[int, dict[int, bytes]] = {}
        self.junk = 0
        self.pieces = 0

    def key(self, a: int, b: int) -> SessionKey:
        if (a, b) not in self.keys:
            self.keys[a, b] = SessionKey(self.identities[a].agree(self.identities[b]))
        return self.keys[a, b]

    def public_of(self, address: int) -> bytes | None:
        identity = self.identities.get(address)
        return identity.public if identity else None

    def packets(self) -> list[tuple[dict[str, Any], bytes]]:
        """(what the record says, plaintext packet) of every packet, in the order of its last datagram."""
        found = []
        for entry in self.datagrams:
            data = bytes.fromhex(entry["data"])
            whole = self.whole(data)
            assert (whole is not None) == ("packet" in entry), entry["n"]
            if whole is not None:
                found.append((entry["packet"], self.open(whole)))
        assert not self.parts
        return found

    def whole(self, data: bytes) -> bytes | None:
        """The packet that a datagram completes, if any."""
        if len(data) == 4:
            self.junk += 1
            return None
        slab = Slab(len(data))
        slab.view[:] = data
        if data[13] == 0xFF:
            assert fragment.check(slab, 0, len(data))
            return self.piece(
                fragment.packet_id(slab, 0), fragment.number(slab, 0), data, fragment.total(slab, 0)
            )
        if packet.fragmented(slab, 0):
            return self.piece(packet.packet_id(slab, 0), 0, data, 0)
        return data

    def piece(self, packet_id: int, number: int, data: bytes, total: int) -> bytes | None:
        parts = self.parts.setdefault(packet_id, {})
        parts[number] = data
        self.pieces += 1
        totals = {part[14] >> 4 for at, part in parts.items() if at}
        if 0 not in parts or totals != {len(parts)}:
            return None
        del self.parts[packet_id]
        return parts[0] + b"".join(parts[i][16:] for i in range(1, len(parts)))

    def open(self, data: bytes) -> bytes:
        """The packet decrypted, its HELLO tail unmasked and its payload decompressed."""
        slab = Slab(len(data))
        slab.view[:] = data
        key = self.key(packet.source(slab, 0), packet.destination(slab, 0))
        assert dearmor(slab, 0, len(data), key)
        if packet.verb(slab, 0) == Verb.HELLO:
            start = HEADER + Hello.tail_offset(bytes(slab.buffer[HEADER:]))
            mask_hello_tail(slab, 0, len(data), start, key)
        plain = bytes(slab.buffer)
        if plain[VERB] & COMPRESSED:
            return plain[:VERB] + bytes([plain[VERB] & VERB_MASK]) + decompress(plain[HEADER:])
        return plain


class Checker:
    """Parses, re-encodes and verifies payloads; counts what it saw."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.seen: Counter[str] = Counter()
        self.dictionaries: dict[int, dict[int, bytes]] = {}

    def check(self, verb: int, payload: bytes) -> None:
        name = Verb(verb).name
        self.seen[name] += 1
        if verb == Verb.OK:
            head, body = InRe.split(payload)
            assert head.to_bytes() == payload[:9]
            self.seen[f"OK({Verb(head.verb).name})"] += 1
            self.codec(OK_CODECS[head.verb], body)
        elif verb == Verb.ERROR:
            self.codec(ErrorBody, InRe.split(payload)[1])
        elif verb == Verb.MULTICAST_LIKE:
            assert encode_likes(parse_likes(payload)) == payload
        elif verb == Verb.ECHO:
            assert payload == b""
        else:
            self.codec(CODECS[verb], payload)

    def codec(self, codec: Any, data: bytes) -> None:
        if codec is ConfigAck and not data:  # OK(ECHO) proper
            return
        parsed = codec.parse(data)
        assert parsed.to_bytes() == data
        EXTRA.get(codec, lambda *_: None)(self, parsed)

    def hello(self, hello: Hello) -> None:
        assert hello.identity == self.session.identities[hello.source].to_bytes()
        assert (hello.planet_id, hello.moons) == (
            World.parse(bytes.fromhex(self.session.head["planet"])).id,
            (),
        )

    def ok_whois(self, ok: OkWhois) -> None:
        for data in ok.identities:
            identity = Identity.from_bytes(data)
            assert identity == self.session.identities[identity.address]

    def chunk(self, chunk: ConfigChunk) -> None:
        controller = self.session.identities[chunk.nwid >> 24]
        assert controller.verify(chunk.signed_bytes, chunk.signature)
        self.seen["chunk signature"] += 1
        parts = self.dictionaries.setdefault(chunk.update_id, {})
        parts[chunk.offset] = chunk.data
        whole = b"".join(parts[offset] for offset in sorted(parts))
        if len(whole) == chunk.total:
            self.config(NetworkConfig.parse(whole), whole)

    def config(self, config: NetworkConfig, data: bytes) -> None:
        assert config.to_bytes() == data
        assert f"{config.nwid:016x}" == self.session.head["network_id"]
        assert config.com is not None
        assert config.com.public_hash == self.session.identities[config.issued_to].public_hash()
        self.credentials([config.com], config.capabilities, config.tags, (), config.ownerships)
        assert encode_rules(parse_rules(config.rules)[0]) == config.rules
        self.seen["config"] += 1

    def credentials(self, coms: Any, capabilities: Any, tags: Any, revocations: Any, ownerships: Any) -> None:
        for one in (*coms, *tags, *revocations, *ownerships):
            assert check(one, self.session.public_of) is Verdict.VALID
            self.seen[f"{type(one).__name__} signature"] += 1
        for capability in capabilities:
            assert check_capability(capability, self.session.public_of) is Verdict.VALID
            assert encode_rules(parse_rules(capability.rules)[0]) == capability.rules
            self.seen["Capability signature"] += 1

    def packet_credentials(self, found: NetworkCredentials) -> None:
        self.credentials(found.coms, found.capabilities, found.tags, found.revocations, found.ownerships)

    def attached(self, parsed: Gather | MulticastFrame | ExtFrame | OkMulticastFrame) -> None:
        if parsed.com is not None:
            self.credentials([parsed.com], (), (), (), ())
        if isinstance(parsed, MulticastFrame | ExtFrame):
            self.ethernet(parsed.ethertype, parsed.data)

    def frame(self, frame: Frame) -> None:
        self.ethernet(frame.ethertype, frame.data)

    def ethernet(self, ethertype: int, data: bytes) -> None:
        if ethertype == ARP:
            assert Arp.parse(data).to_bytes() == data
            self.seen["ARP"] += 1
        elif ethertype == IPV6 and data[6] == 58 and data[40] in (135, 136):
            assert Neighbor.parse(data).target == data[48:64]
            self.seen["NDP"] += 1

    def request(self, request: ConfigRequest) -> None:
        assert Metadata.parse(request.metadata).to_bytes() == request.metadata

    def ok_hello(self, ok: OkHello) -> None:
        assert all(is_signed_by(world, world.update_key) for world in ok.worlds)


CODECS: dict[int, Any] = {
    Verb.HELLO: Hello,
    Verb.WHOIS: Whois,
    Verb.RENDEZVOUS: Rendezvous,
    Verb.FRAME: Frame,
    Verb.EXT_FRAME: ExtFrame,
    Verb.NETWORK_CREDENTIALS: NetworkCredentials,
    Verb.NETWORK_CONFIG_REQUEST: ConfigRequest,
    Verb.NETWORK_CONFIG: ConfigChunk,
    Verb.MULTICAST_GATHER: Gather,
    Verb.MULTICAST_FRAME: MulticastFrame,
    Verb.PUSH_DIRECT_PATHS: PushDirectPaths,
}
OK_CODECS: dict[int, Any] = {
    Verb.HELLO: OkHello,
    Verb.WHOIS: OkWhois,
    Verb.ECHO: ConfigAck,
    Verb.NETWORK_CONFIG_REQUEST: ConfigChunk,
    Verb.MULTICAST_GATHER: OkGather,
    Verb.MULTICAST_FRAME: OkMulticastFrame,
}
EXTRA: dict[Any, Callable[..., None]] = {
    Hello: Checker.hello,
    OkHello: Checker.ok_hello,
    OkWhois: Checker.ok_whois,
    ConfigRequest: Checker.request,
    ConfigChunk: Checker.chunk,
    NetworkCredentials: Checker.packet_credentials,
    Gather: Checker.attached,
    MulticastFrame: Checker.attached,
    OkMulticastFrame: Checker.attached,
    ExtFrame: Checker.attached,
    Frame: Checker.frame,
}


@pytest.mark.parametrize("name", SESSIONS)
def test_every_packet(name: str) -> None:
    session = Session(name)
    packets = session.packets()
    checker = Checker(session)
    for record, plain in packets:
        assert plain[VERB:].hex() == record["plaintext"]
        assert f"{int.from_bytes(plain[13:18], 'big'):010x}" == record["source"]
        checker.check(plain[VERB], plain[HEADER:])
    # The record's own account: nothing skipped.
    expected = Counter(entry["packet"]["verb_name"] for entry in session.datagrams if "packet" in entry)
    assert Counter({key: checker.seen[key] for key in expected}) == expected
    assert sum(expected.values()) == len(packets)
    reassembled = [record for record, _ in packets if record["fragmented"]]
    parts = sum(len(record["datagrams"]) for record in reassembled)
    assert session.pieces == parts
    assert len(session.datagrams) == len(packets) + session.junk + parts - len(reassembled)
    # Each config of a session fits one chunk; members must have got theirs.
    assert checker.seen["config"] == checker.seen["chunk signature"] > 0
    if DIRECTORY == COMMITTED:
        assert {key: checker.seen[key] for key in TOTALS[name]} == TOTALS[name]


TOTALS: dict[str, dict[str, int]] = {
    "trace": {
        "config": 3,
        "OK(HELLO)": 14,
        "OK(WHOIS)": 15,
        "OK(ECHO)": 8,
        "OK(MULTICAST_GATHER)": 4,
        "OK(MULTICAST_FRAME)": 3,
        "Com signature": 21,
        "Ownership signature": 5,
        "Revocation signature": 2,
        "ARP": 4,
        "NDP": 2,
    },
    "trace_three_nodes": {
        "config": 7,
        "OK(HELLO)": 106,
        "OK(WHOIS)": 36,
        "OK(ECHO)": 65,
        "OK(MULTICAST_GATHER)": 4,
        "OK(MULTICAST_FRAME)": 4,
        "Com signature": 41,
        "Tag signature": 11,
        "Ownership signature": 11,
        "Capability signature": 11,
        "Revocation signature": 4,
        "ARP": 4,
        "NDP": 3,
    },
}


@pytest.mark.parametrize("name", SESSIONS)
def test_planet_and_identities(name: str) -> None:
    session = Session(name)
    data = bytes.fromhex(session.head["planet"])
    planet = World.parse(data)
    assert planet.to_bytes() == data
    assert is_signed_by(planet, planet.update_key)
    assert all(identity.validate() for identity in session.identities.values())
    assert {root.address for root in planet.roots} <= set(session.identities)


@pytest.mark.parametrize("name", SESSIONS)
def test_nothing_but_malformed_escapes(name: str) -> None:
    """Every packet cut at every length, or with a byte changed, parses or is Malformed."""
    session = Session(name)
    kinds: dict[Any, bytes] = {}
    for _, plain in session.packets():
        verb, data = plain[VERB], plain[HEADER:]
        codec = CODECS.get(verb)
        if verb == Verb.OK:
            head, data = InRe.split(data)
            codec = OK_CODECS[head.verb]
        elif verb == Verb.ERROR:
            codec, data = ErrorBody, data[9:]
        if codec is not None and len(kinds.get(codec, b"")) < len(data) < 1500:
            kinds[codec] = data
    for codec, data in kinds.items():
        for i in range(len(data)):
            for variant in (data[:i], data[:i] + bytes([data[i] ^ 0xFF]) + data[i + 1 :]):
                with contextlib.suppress(Malformed):
                    codec.parse(variant)
    assert len(kinds) >= 13
