"""The cold codecs on committed material: what a join, a HELLO, a certificate and a rule cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.vectors import committed

from fastzt._core.endpoint import Endpoint
from fastzt._core.slab import Slab
from fastzt.identity.credentials import Verdict, check
from fastzt.identity.identity import Identity
from fastzt.vl2.claims import Claims
from fastzt.vl2.evaluator import run
from fastzt.vl2.frame_context import FrameContext
from fastzt.vl2.program import Program
from fastzt.wire.address import parse_mac
from fastzt.wire.com import Com
from fastzt.wire.compression import compress, decompress
from fastzt.wire.config_chunk import ConfigChunk, split
from fastzt.wire.dictionary import Dictionary
from fastzt.wire.hello import Hello, OkHello
from fastzt.wire.network_config import NetworkConfig
from fastzt.wire.rules import encode_rules, parse_rules
from fastzt.wire.world import World

SECRETS = [case["secret_string"] for case in committed("identity", "identity")]
HERE, THERE = Identity.parse(SECRETS[0]), Identity.parse(SECRETS[1])
PLANET = bytes.fromhex(committed("world", "world")[0]["bytes"])
CONFIGS = committed("network_config", "network_config")
CONFIG = bytes.fromhex(next(case for case in CONFIGS if case["name"] == "everything")["dictionary"])
COM = committed("credentials", "com")[0]
RULES = bytes.fromhex(
    max(committed("rules", "rule_table"), key=lambda case: len(case["serialized"]))["serialized"]
)
ACCEPT = 2  # of the evaluator's outcomes
HELLO = Hello(1, HERE.to_bytes(), Endpoint.parse("192.0.2.1", 9993), 1, 2).to_bytes()
OK_HELLO = OkHello(1, Endpoint.parse("192.0.2.1", 9993), (World.parse(PLANET),)).to_bytes()

ROUND_TRIPS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "hello": (HELLO, lambda data: Hello.parse(data).to_bytes()),
    "ok_hello": (OK_HELLO, lambda data: OkHello.parse(data).to_bytes()),
    "world": (PLANET, lambda data: World.parse(data).to_bytes()),
    "network_config": (CONFIG, lambda data: NetworkConfig.parse(data).to_bytes()),
    "com": (bytes.fromhex(COM["serialized"]), lambda data: Com.parse(data).to_bytes()),
    "rules": (RULES, lambda data: encode_rules(parse_rules(data)[0])),
    "identity": (HERE.to_bytes(), lambda data: Identity.from_bytes(data).to_bytes()),
    "lz4": (CONFIG, lambda data: decompress(compress(data) or b"")),
}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_round_trip(benchmark: Any, name: str) -> None:
    data, again = ROUND_TRIPS[name]
    assert benchmark(again, data) == data
    benchmark.extra_info["bytes"] = len(data)


def test_dictionary(benchmark: Any) -> None:
    assert benchmark(lambda: Dictionary.parse(CONFIG).uint("ts")) == NetworkConfig.parse(CONFIG).timestamp


def test_agreement(benchmark: Any) -> None:
    assert benchmark(HERE.agree, THERE) == THERE.agree(HERE)


def test_signature_made(benchmark: Any) -> None:
    assert HERE.verify(b"message", benchmark(HERE.sign, b"message"))


def test_certificate_checked(benchmark: Any) -> None:
    signer = Identity.parse(COM["signer_public"])
    com = Com.parse(bytes.fromhex(COM["serialized"]))
    assert benchmark(check, com, {signer.address: signer.public}.get) == Verdict.VALID


def test_config_signed_and_split(benchmark: Any) -> None:
    def make() -> list[ConfigChunk]:
        return [chunk.with_signature(HERE.sign(chunk.signed_bytes)) for chunk in split(1, CONFIG, 2)]

    chunks = benchmark(make)
    assert b"".join(chunk.data for chunk in chunks) == CONFIG
    assert all(HERE.verify(chunk.signed_bytes, chunk.signature) for chunk in chunks)


FILTERED = [case for case in committed("rules", "filter") if case["result"] == "accept"]


@pytest.mark.parametrize("size", ["shortest", "longest"])
def test_frame_filtered(benchmark: Any, size: str) -> None:
    """One frame through the rules of a vector."""
    case = (min if size == "shortest" else max)(FILTERED, key=lambda found: len(found["rules"]))
    data = bytes.fromhex(case["frame"])
    slab, frame = Slab(len(data)), FrameContext(1, 12345)
    program = Program(parse_rules(bytes.fromhex(case["rules_serialized"]))[0])
    slab.view[:] = data
    frame.inbound = case["inbound"]
    frame.source, frame.destination = int(case["zt_source"], 16), int(case["zt_destination"], 16)
    frame.mac_source, frame.mac_destination = (
        parse_mac(case["mac_source"]),
        parse_mac(case["mac_destination"]),
    )
    frame.local = frame.remote = Claims({}, frozenset(), ())

    def judge() -> int:
        frame.begin(slab, 0, len(data), case["ether_type"])
        return int(run(program, frame))

    assert benchmark(judge) == ACCEPT
    benchmark.extra_info["rules"] = len(case["rules"])
