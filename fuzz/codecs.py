"""Mutated bytes into the cold codecs; see the package. `python -m fuzz.codecs --inputs 100000 --seed 1`.

A codec parses, or raises what it documents. What it has parsed it writes again, and that stays as it is from
then on.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fastzt
from fastzt.errors import IdentityError, InputError
from fastzt.identity.identity import Identity
from fastzt.io import netlink
from fastzt.node.peer_record import PeerRecord
from fastzt.node.rule_language.compiler import compile_rules
from fastzt.wire import address, compression, rules, socks5, tcp_relay
from fastzt.wire.arp import Arp
from fastzt.wire.capability import Capability
from fastzt.wire.com import Com
from fastzt.wire.config_chunk import ConfigAck, ConfigChunk
from fastzt.wire.config_request import ConfigRequest, Metadata
from fastzt.wire.credentials_packet import NetworkCredentials
from fastzt.wire.dictionary import Dictionary
from fastzt.wire.error_body import ErrorBody
from fastzt.wire.frame import ExtFrame, Frame
from fastzt.wire.hello import Hello, OkHello
from fastzt.wire.inetaddress import InetAddress
from fastzt.wire.multicast import Gather, MulticastFrame, OkGather, OkMulticastFrame, parse_likes
from fastzt.wire.ndp import Neighbor, solicitation
from fastzt.wire.network_config import NetworkConfig
from fastzt.wire.ownership import Ownership
from fastzt.wire.push_direct_paths import PushDirectPaths
from fastzt.wire.reader import Malformed
from fastzt.wire.rendezvous import Rendezvous
from fastzt.wire.revocation import Revocation
from fastzt.wire.tag import Tag
from fastzt.wire.verbs import Verb
from fastzt.wire.whois import OkWhois, Whois
from fastzt.wire.world import World

from .mutation import Mutator
from .seeds import SESSIONS, cases, load
from .target import Fault

RULES = """
drop not ethertype ipv4 not ethertype arp not ethertype ipv6;  # nothing else
tag department id 1000 enum 100 sales enum 200 engineering flag 3 remote default sales;
cap ssh id 1 accept ipprotocol tcp dport 22; ;
macro web($from) accept ipsrc $from ipprotocol tcp dport 80-443; ;
include web(10.121.15.0/24)
tee -1 0123456789 ipdest 10.0.0.0/8 or chr inbound;
accept tdiff department 0;
break chr tcp_syn,inbound;
accept;
"""


@dataclass(frozen=True)
class Codec:
    """`parse` takes bytes and raises `refusal` for what it does not take."""

    name: str
    parse: Callable[[bytes], Any]
    seeds: list[bytes]
    refusal: tuple[type[Exception], ...] = (Malformed,)
    again: bool = True  # what was parsed has to_bytes, which parse takes


def packets() -> dict[tuple[int, int], list[bytes]]:
    """What the sessions hold by verb and, for answers, by the verb of the question: bodies without heads."""
    found: dict[tuple[int, int], list[bytes]] = {}
    for name in SESSIONS:
        for seed in load(name).seeds:
            if seed.source == 0:
                continue
            answer = seed.verb in (Verb.OK, Verb.ERROR)
            key = (seed.verb, seed.payload[0]) if answer else (seed.verb, 0)
            found.setdefault(key, []).append(seed.payload[9:] if answer else seed.payload)
    return found


def vectors(name: str, kind: str, key: str = "serialized") -> list[bytes]:
    """Hexadecimal fields of the reference's cases."""
    return [bytes.fromhex(case[key]) for case in cases(name) if case["kind"] == kind and case.get(key)]


def in_packets() -> list[Codec]:
    """What travels as a packet."""
    seen = packets()
    table: list[tuple[Any, int, int]] = [
        (Hello, Verb.HELLO, 0),
        (OkHello, Verb.OK, Verb.HELLO),
        (Whois, Verb.WHOIS, 0),
        (OkWhois, Verb.OK, Verb.WHOIS),
        (Rendezvous, Verb.RENDEZVOUS, 0),
        (Frame, Verb.FRAME, 0),
        (ConfigRequest, Verb.NETWORK_CONFIG_REQUEST, 0),
        (ConfigChunk, Verb.OK, Verb.NETWORK_CONFIG_REQUEST),
        (ConfigAck, Verb.OK, Verb.ECHO),
        (NetworkCredentials, Verb.NETWORK_CREDENTIALS, 0),
        (Gather, Verb.MULTICAST_GATHER, 0),
        (OkGather, Verb.OK, Verb.MULTICAST_GATHER),
        (MulticastFrame, Verb.MULTICAST_FRAME, 0),
        (OkMulticastFrame, Verb.OK, Verb.MULTICAST_FRAME),
        (PushDirectPaths, Verb.PUSH_DIRECT_PATHS, 0),
        (ErrorBody, Verb.ERROR, Verb.MULTICAST_GATHER),
    ]
    found = [
        Codec(codec.__name__, codec.parse, seen.get((verb, question)) or [bytes(64)])
        for codec, verb, question in table
    ]
    frames = seen[Verb.FRAME, 0]
    found.append(
        Codec("ExtFrame", ExtFrame.parse, [bytes(8) + b"\0" + bytes(12) + frame[8:] for frame in frames])
    )
    found.append(Codec("likes", parse_likes, seen[Verb.MULTICAST_LIKE, 0], again=False))
    arps = [frame[10:] for frame in frames if frame[8:10] == b"\x08\x06"]
    found.append(
        Codec("Arp", Arp.parse, arps or [bytes.fromhex("0001080006040001") + bytes(20)], again=False)
    )
    asked = solicitation(bytes(range(16)), bytes(range(1, 17)), 0x123456789A)
    neighbors = [asked.to_bytes(), asked.answer(0x22).to_bytes()]
    found.append(Codec("Neighbor", Neighbor.accept, neighbors))
    return found


def objects() -> list[Codec]:
    """What is inside of packets, on disk, or typed by people."""
    configs = vectors("network_config", "network_config", "dictionary")
    identities = [
        bytes.fromhex(case["public_binary"]) for case in cases("identity") if case["kind"] == "identity"
    ]
    texts = [case["secret_string"].encode() for case in cases("identity") if case["kind"] == "identity"]
    worlds = vectors("world", "world", "bytes") + vectors("world", "new_moon", "moon")
    peer = PeerRecord(Identity.from_bytes(identities[0]), 12, (1, 14, 1), ()).to_bytes()
    addresses = vectors("inetaddress", "serialize")
    credentials: list[tuple[Any, str]] = [
        (Com, "com"),
        (Capability, "capability"),
        (Tag, "tag"),
        (Revocation, "revocation"),
        (Ownership, "coo"),
    ]
    found = [Codec(codec.__name__, codec.parse, vectors("credentials", kind)) for codec, kind in credentials]
    found += [
        Codec("NetworkConfig", NetworkConfig.parse, configs, again=False),
        Codec("Dictionary", Dictionary.parse, configs, again=False),
        Codec("Metadata", Metadata.parse, vectors("network_config", "network_config_request", "dictionary")),
        Codec("World", World.parse, worlds),
        Codec("InetAddress", InetAddress.parse, addresses),
        Codec("rules", rules.parse_rules, vectors("rules", "rule_table") or [b"\0\0"], again=False),
        Codec("one rule", rules.parse_rules, vectors("rules", "rule"), again=False),
        Codec("Identity", Identity.from_bytes, identities, (IdentityError,)),
        Codec("identity text", text(Identity.parse), texts, (IdentityError,), again=False),
        Codec("PeerRecord", PeerRecord.parse, [peer], ()),
        Codec("rule language", text(compile_rules), [RULES.encode()], (InputError,), again=False),
        Codec(
            "addresses", text(every_address), [b"0123456789", b"8056c2e21c000001"], (ValueError,), again=False
        ),
        Codec("LZ4", compression.decompress, blocks(), again=False),
    ]
    return found


def streams() -> list[Codec]:
    """What comes as a stream, in pieces."""
    socks = b"\5\2\0\2" + b"\1\4user\4pass" + b"\5\1\0\3\x0bexample.org\0\x50"
    answers = b"\5\2\1\0\5\0\0\1\x0a\0\0\1\0\x50more"
    record = tcp_relay.greeting((1, 14, 1)) + tcp_relay.record(b"\x04\x7f\0\0\1\x27\x09" + bytes(40))
    link = b"\x20\0\0\0\x14\0\2\0" + bytes(8) + b"\2\x18\0\0" + bytes(4) + b"\x08\0\1\0\x7f\0\0\1"
    return [
        Codec("SOCKS5 server", socks_server, [socks, socks[:4] + b"\5\1\0\1\x7f\0\0\1\0\x16"], again=False),
        Codec("SOCKS5 client", socks_client, [answers], (Malformed, OSError), again=False),
        Codec("SOCKS5 datagram", socks5.parse_datagram, [b"\0\0\0\1\x7f\0\0\1\0\x35hello"], again=False),
        Codec("TCP relay", relay_records, [record], again=False),
        Codec("netlink", netlink_messages, [link * 3], again=False),
    ]


def blocks() -> list[bytes]:
    """LZ4 blocks."""
    found = [
        compression.compress(config) for config in vectors("network_config", "network_config", "dictionary")
    ]
    return [block for block in found if block is not None]


def text(parse: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """A parser of text as one of bytes."""
    return lambda data: parse(data.decode("utf-8", "replace"))


def every_address(data: str) -> int:
    """Addresses, network ids and MACs as people write them."""
    parsers: tuple[Callable[[str], int], ...]
    parsers = (address.parse_address, address.parse_network_id, address.parse_mac)
    return parsers[len(data) % 3](data)


def socks_server(data: bytes) -> None:
    """A client's part of a handshake, in two pieces, with and without authentication."""
    for check in (None, lambda user, password: user == b"user"):
        handshake = socks5.ServerHandshake(check)
        handshake.receive(data[: len(data) // 2])
        if not handshake.refused:
            handshake.receive(data[len(data) // 2 :])


def socks_client(data: bytes) -> None:
    """A proxy's part of a handshake."""
    handshake = socks5.ClientHandshake("example.org", 80, "user", "pass")
    handshake.begin()
    handshake.receive(data[: len(data) // 2])
    handshake.receive(data[len(data) // 2 :])


def relay_records(data: bytes) -> None:
    """What a TCP relay or its client sends."""
    records = tcp_relay.Records()
    for part in (data[: len(data) // 2], data[len(data) // 2 :]):
        for body in records.feed(part):
            tcp_relay.parse_datagram(body)


def netlink_messages(data: bytes) -> None:
    """What the kernel tells of addresses."""
    for _, body in netlink.messages(data):
        list(netlink.attributes(body))


class Run:
    """Each codec in turn, with inputs of its own and of others."""

    def __init__(self, seed: int) -> None:
        self.codecs = in_packets() + objects() + streams()
        pool = [data for codec in self.codecs for data in codec.seeds]
        self.mutator = Mutator(random.Random(seed), pool)
        self.taken: Counter[str] = Counter()

    def one(self, codec: Codec, data: bytes) -> None:
        """Parse; what was parsed survives being written."""
        try:
            found = codec.parse(data)
        except codec.refusal:
            return
        self.taken[codec.name] += 1
        if codec.again and found is not None:
            written = found.to_bytes()
            if codec.parse(written).to_bytes() != written:
                raise Fault(f"{codec.name}: {written.hex()} says something else")

    def go(self, inputs: int) -> None:
        """So many inputs in all."""
        dice = self.mutator.dice
        for number in range(inputs):
            codec = self.codecs[number % len(self.codecs)]
            data = dice.choice(codec.seeds)
            if dice.random() < 0.95:
                data = self.mutator.bytes(data)
            try:
                self.one(codec, data)
            except Exception:
                print(f"{codec.name}, input {number}: {data.hex()}", file=sys.stderr)
                raise


def main() -> int:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--inputs", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    run = Run(given.seed)
    began = time.monotonic()
    try:
        run.go(given.inputs)
    except Exception:
        traceback.print_exc()
        return 1
    rate = round(given.inputs / (time.monotonic() - began))
    silent = [codec.name for codec in run.codecs if not run.taken[codec.name]]
    figures = {"inputs": given.inputs, "per_second": rate, "compiled": fastzt.is_compiled()}
    print(json.dumps({**figures, "never_taken": silent, "taken": dict(run.taken)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
