"""Configs: chunks, signatures, what is taken and what is refused (PROTOCOL-VL2 2); network_config.json."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.vectors import committed, parametrize, parametrize_parts

from fastzt._core.armor import SessionKey, dearmor
from fastzt._core.slab import Slab
from fastzt.identity.identity import Identity
from fastzt.vl2.config_assembly import ConfigAssembly
from fastzt.vl2.config_request import ConfigPolling
from fastzt.vl2.events import ConfigChanged, Denied, Joined
from fastzt.vl2.status import Status
from fastzt.wire.compression import decompress
from fastzt.wire.config_chunk import ConfigChunk, split
from fastzt.wire.error_body import ErrorBody
from fastzt.wire.network_config import NetworkConfig
from fastzt.wire.verbs import COMPRESSED, VERB_MASK, ErrorCode, Verb
from vl2.direct import NOW, Direct

IDENTITIES = [Identity.parse(case["secret_string"]) for case in committed("identity", "identity")]
CONTROLLER, ME, MEMBER = IDENTITIES[:3]
NWID = CONTROLLER.address << 24 | 0xABCDEF
RULES = b"\1\0"
HEAD = 28


def body_of(chunk: dict[str, Any]) -> bytes:
    """The chunk as it stands in its packet, behind the in-re head of an OK."""
    packet = bytes.fromhex(chunk["plaintext_packet"])
    return packet[HEAD + 9 :] if chunk["verb"] == Verb.OK else packet[HEAD:]


def bodies(case: dict[str, Any]) -> list[bytes]:
    return [body_of(chunk) for chunk in case["chunks"]]


def altered(name: str, chunks: list[bytes]) -> list[bytes]:
    """The deliveries' variants."""
    if name == "bit flipped in the data of the first chunk":
        data = bytearray(chunks[0])
        data[10 + 20] ^= 1
        return [bytes(data), *chunks[1:]]
    if name == "bit flipped in the signature of the first chunk":
        data = bytearray(chunks[0])
        data[-50] ^= 1
        return [bytes(data), *chunks[1:]]
    if name.startswith("unsigned short form"):
        length = int.from_bytes(chunks[0][8:10], "big")
        return [chunks[0][: 10 + length]]
    return chunks


KNOWN_DELIVERIES = {
    "in order from the controller",
    "reverse order",
    "last chunk missing",
    "first chunk twice",
    "bit flipped in the data of the first chunk",
    "bit flipped in the signature of the first chunk",
    "relayed by another member (signature still the controller's)",
    "unsigned short form from the controller",
    "unsigned short form from another member",
}


@parametrize_parts("network_config", "config_chunks", "deliveries")
def test_deliveries(case: dict[str, Any], entry: dict[str, Any]) -> None:
    delivery = entry
    assert delivery["name"] in KNOWN_DELIVERIES
    controller, me = Identity.parse(case["controller_secret"]), Identity.parse(case["member_secret"])
    node = Direct(me, controller, MEMBER)
    network = node.networks.join(int(case["network_id"], 16), node.now)
    sender = MEMBER if "another member" in delivery["name"] else controller
    chunks = altered(delivery["name"], bodies(case))
    verb = case["chunks"][0]["verb"]
    completed = []
    for index in delivery["order"]:
        before = network.config
        in_re = Verb.NETWORK_CONFIG_REQUEST if verb == Verb.OK else 0
        node.hand(sender, verb, chunks[index], in_re)
        completed.append(before is None and network.config is not None)
    assert completed == delivery["completes"]
    assert (network.config is not None) == delivery["configured"]
    if network.config is not None:
        assert network.config_bytes == bytes.fromhex(case["dictionary"])


def test_the_vectors_have_every_delivery() -> None:
    found = committed("network_config", "config_chunks")
    assert {delivery["name"] for case in found for delivery in case["deliveries"]} == KNOWN_DELIVERIES


def opened(key: SessionKey, datagrams: list[str]) -> bytes:
    """The packet in these datagrams, from the verb on, decrypted and decompressed."""
    first, *rest = map(bytes.fromhex, datagrams)
    whole = first + b"".join(piece[16:] for piece in rest)
    slab = Slab(len(whole))
    slab.view[:] = whole
    assert dearmor(slab, 0, len(whole), key)
    verb, payload = slab.buffer[27], bytes(slab.buffer[HEAD:])
    return bytes([verb & VERB_MASK]) + (decompress(payload) if verb & COMPRESSED else payload)


def packets(datagrams: list[str]) -> list[list[str]]:
    """The datagrams of each packet: pieces carry the id of their head."""
    found: dict[str, list[str]] = {}
    for data in datagrams:
        found.setdefault(data[:16], []).append(data)
    return list(found.values())


@parametrize("network_config", "network_config_request", "config_chunks")
def test_the_datagrams_hold_what_the_case_says(case: dict[str, Any]) -> None:
    controller, me = Identity.parse(case["controller_secret"]), Identity.parse(case["member_secret"])
    key = SessionKey(controller.agree(me))
    listed = case.get("chunks", [case])
    plain = [opened(key, datagrams) for datagrams in packets(case["datagrams"])]
    assert [data.hex() for data in plain] == [entry["plaintext_packet"][54:] for entry in listed]
    for entry in case.get("chunks", ()):
        chunk = ConfigChunk.parse(body_of(entry))
        assert controller.verify(chunk.signed_bytes, chunk.signature) is entry["signature_valid"]


def config(timestamp: int = 1000, **fields: Any) -> NetworkConfig:
    made = NetworkConfig(NWID, ME.address, timestamp, 7_200_000, 1, rules=RULES, is_public=True)
    return replace(made, **fields)


def signed(
    dictionary: bytes, update_id: int = 1, signer: Identity = CONTROLLER, nwid: int = NWID
) -> list[bytes]:
    chunks = split(nwid, dictionary, update_id)
    return [chunk.with_signature(signer.sign(chunk.signed_bytes)).to_bytes() for chunk in chunks]


@pytest.fixture
def node() -> Direct:
    return Direct(ME, CONTROLLER, MEMBER)


def answer(node: Direct, dictionary: bytes, sender: Identity = CONTROLLER, **options: Any) -> None:
    for body in signed(dictionary, node.count + 1, **options):
        node.hand(sender, Verb.OK, body, Verb.NETWORK_CONFIG_REQUEST)


def push(node: Direct, dictionary: bytes, sender: Identity = CONTROLLER, **options: Any) -> None:
    for body in signed(dictionary, node.count + 1, **options):
        node.hand(sender, Verb.NETWORK_CONFIG, body)


def test_forged_configs_are_refused_and_the_old_one_is_kept(node: Direct) -> None:
    network = node.networks.join(NWID, node.now)
    good = config().to_bytes()
    answer(node, good)
    generation = network.generation
    push(node, config(2000).to_bytes(), signer=MEMBER)
    push(node, config(2000, nwid=NWID + 1).to_bytes())
    push(node, config(2000, issued_to=MEMBER.address).to_bytes())
    push(node, b"not a dictionary")
    push(node, config(2000, rules=b"\x25\0").to_bytes())
    push(node, config(1 << 63).to_bytes())
    assert network.config_bytes == good
    assert network.generation == generation
    assert node.total("refused_config") == 6


def test_numbers_beyond_what_a_config_can_mean_are_the_largest_that_it_can(node: Direct) -> None:
    network = node.networks.join(NWID, node.now)
    most = (1 << 64) - 1
    answer(node, config(credential_max_delta=most, multicast_limit=most, flags=most).to_bytes())
    assert network.status == Status.OK
    assert network.max_delta == network.multicast_limit == (1 << 63) - 1
    assert network.config_flags == (1 << 32) - 1


def test_a_chunk_for_another_network_is_not_ours(node: Direct) -> None:
    node.networks.join(NWID, node.now)
    push(node, config().to_bytes(), nwid=NWID + 1)
    assert node.total("unknown_network") == 1


def test_a_replayed_older_config_is_refused(node: Direct) -> None:
    network = node.networks.join(NWID, node.now)
    old, new = config(1000).to_bytes(), config(2000).to_bytes()
    answer(node, old)
    push(node, new)
    assert network.config_bytes == new
    push(node, old)
    push(node, old, sender=MEMBER)
    answer(node, old, sender=MEMBER)
    assert network.config_bytes == new
    assert node.total("refused_config") == 3


def test_the_controllers_own_answer_is_taken_even_if_its_clock_went_back(node: Direct) -> None:
    network = node.networks.join(NWID, node.now)
    answer(node, config(2000).to_bytes())
    answer(node, config(1000).to_bytes())
    assert network.config is not None
    assert network.config.timestamp == 1000


def test_every_config_bumps_the_generation_but_a_repeated_one_does_not(node: Direct) -> None:
    network = node.networks.join(NWID, node.now)
    assert network.generation == 1
    answer(node, config(1000).to_bytes())
    assert network.generation == 2
    answer(node, config(1000).to_bytes())
    assert network.generation == 2
    push(node, config(1001).to_bytes())
    assert network.generation == 3


def test_a_stored_config_is_used_at_once_and_refreshed(node: Direct) -> None:
    stored = config(1000).to_bytes()
    network = node.networks.join(NWID, node.now, stored)
    assert network.status == Status.OK
    assert [type(event) for event in node.networks.events()] == [Joined, ConfigChanged]
    answer(node, config(2000).to_bytes())
    assert network.config is not None
    assert network.config.timestamp == 2000


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"junk",
        config(nwid=NWID + 1).to_bytes(),
        config(issued_to=1).to_bytes(),
        config(1 << 63).to_bytes(),
        config(rules=b"\x25\0").to_bytes(),
    ],
)
def test_a_stored_config_that_cannot_be_used_is_passed_over(node: Direct, stored: bytes) -> None:
    network = node.networks.join(NWID, node.now, stored)
    assert network.config is None
    assert network.status == Status.REQUESTING


ERRORS = [
    (ErrorCode.NETWORK_ACCESS_DENIED, Status.DENIED),
    (ErrorCode.OBJECT_NOT_FOUND, Status.NOT_FOUND),
    (ErrorCode.UNSUPPORTED_OPERATION, Status.NOT_FOUND),
    (ErrorCode.NETWORK_AUTHENTICATION_REQUIRED, Status.AUTHENTICATION_REQUIRED),
]


@pytest.mark.parametrize(("code", "status"), ERRORS)
def test_errors_of_the_controller_become_statuses(node: Direct, code: int, status: Status) -> None:
    network = node.networks.join(NWID, node.now)
    details = b"aV=0\naU=https://login.example/x" if status == Status.AUTHENTICATION_REQUIRED else b""
    body = ErrorBody(code, NWID, details=details).to_bytes()
    node.hand(MEMBER, Verb.ERROR, body, Verb.NETWORK_CONFIG_REQUEST)
    assert network.status == Status.REQUESTING
    assert node.total("untrusted_error") == 1
    node.hand(CONTROLLER, Verb.ERROR, body, Verb.NETWORK_CONFIG_REQUEST)
    assert network.status == status
    url = "https://login.example/x" if details else ""
    assert network.authentication_url == url
    assert node.networks.events() == [Denied(NWID, status, url)]
    node.hand(CONTROLLER, Verb.ERROR, body, Verb.NETWORK_CONFIG_REQUEST)
    assert node.networks.events() == []
    answer(node, config().to_bytes())
    assert network.status == Status.OK
    assert network.authentication_url == ""


def test_denial_keeps_the_config_and_the_next_one_clears_it(node: Direct) -> None:
    network = node.networks.join(NWID, node.now)
    data = config().to_bytes()
    answer(node, data)
    node.hand(CONTROLLER, Verb.ERROR, ErrorBody(7, NWID).to_bytes(), Verb.NETWORK_CONFIG_REQUEST)
    assert network.status == Status.DENIED
    assert network.config_bytes == data
    answer(node, data)
    assert network.status == Status.OK


@pytest.mark.parametrize("length", range(0, 140, 7))
def test_cut_chunks_are_counted_and_survived(node: Direct, length: int) -> None:
    network = node.networks.join(NWID, node.now)
    body = signed(config().to_bytes())[0]
    node.hand(MEMBER, Verb.NETWORK_CONFIG, body[:length])
    assert network.config is None
    assert node.total("malformed") + node.total("unknown_network") + node.total("refused_config") == 1


def chunk(update_id: int, number: int, total: int = 30) -> ConfigChunk:
    signature = bytes([number, update_id]) + bytes(94)
    return ConfigChunk(NWID, bytes([number]) * 10, update_id, total, number * 10, 0, signature)


def test_interleaved_updates_are_both_completed() -> None:
    assembly = ConfigAssembly()
    order = [(1, 0), (2, 2), (2, 0), (1, 2), (1, 1), (2, 1)]
    done = [assembly.add(chunk(update_id, number), i) for i, (update_id, number) in enumerate(order)]
    whole = bytes(10) + b"\1" * 10 + b"\2" * 10
    assert done == [None, None, None, None, whole, whole]
    assert assembly.updates == {}


def test_a_fourth_update_takes_the_place_of_the_one_that_rested_longest() -> None:
    assembly = ConfigAssembly()
    for now, update_id in enumerate([1, 2, 3, 1, 4]):
        assembly.add(chunk(update_id, now % 2), now)
    assert set(assembly.updates) == {1, 3, 4}
    assert assembly.evicted == 1


def test_polling_times() -> None:
    polling = ConfigPolling()
    assert polling.due_at() < NOW
    polling.sent(NOW)
    assert polling.due_at() == NOW + 1_250_000
    polling.sent(NOW + 1_250_000)
    assert polling.due_at() == NOW + 3_750_000
    polling.sent(NOW + 3_750_000)
    assert polling.due_at() == NOW + 8_750_000
    polling.refused()
    assert polling.due_at() == NOW + 8_750_000
    polling.configured(NOW + 9_000_000)
    assert polling.due_at() == NOW + 69_000_000
    polling.sent(NOW + 69_000_000)
    assert polling.due_at() == NOW + 70_250_000


@parametrize("network_config", "network_config_request")
def test_the_reference_asks_with_the_same_keys(case: dict[str, Any]) -> None:
    node = Direct(ME, CONTROLLER)
    network = node.networks.join(NWID, node.now)
    keys = [line.partition(b"=")[0].decode() for line in network.configs.metadata.split(b"\n")]
    assert keys == [entry["key"] for entry in case["entries"]]
