from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from support.vectors import committed, parametrize

from fastzt.wire import dictionary
from fastzt.wire.com import Com
from fastzt.wire.config_chunk import MAX_DATA, MAX_TOTAL, ConfigChunk, split
from fastzt.wire.config_request import ConfigRequest, Metadata
from fastzt.wire.dictionary import Dictionary
from fastzt.wire.in_re import InRe
from fastzt.wire.network_config import NetworkConfig, Route, Specialist
from fastzt.wire.reader import Malformed
from fastzt.wire.rules import encode_rules, parse_rules

PAYLOAD = 28


def address_text(value: int) -> str:
    return f"{value:010x}"


def specialist_fields(one: Specialist) -> dict[str, Any]:
    return {
        "address": address_text(one.address),
        "value": f"{one.value:016x}",
        "active_bridge": one.is_active_bridge,
        "anchor": one.is_anchor,
        "multicast_replicator": one.is_multicast_replicator,
    }


def route_fields(route: Route) -> dict[str, Any]:
    via = str(route.via).rpartition("/")[0] if route.via.ip else None
    return {"target": str(route.target), "via": via, "flags": route.flags, "metric": route.metric}


def sso_fields(config: NetworkConfig) -> dict[str, Any]:
    sso = config.sso
    return {
        "sso_enabled": sso.enabled,
        "sso_version": sso.version,
        "authentication_url": sso.url,
        "authentication_expiry_time": sso.expiry,
        "issuer_url": sso.issuer_url,
        "central_endpoint_url": sso.central_endpoint_url,
        "sso_nonce": sso.nonce,
        "sso_state": sso.state,
        "sso_client_id": sso.client_id,
        "sso_provider": sso.provider,
    }


def fields(config: NetworkConfig) -> dict[str, Any]:
    """A config in the form of the vectors, rules apart; credentials by their serialized bytes."""
    servers = [str(server).rpartition("/")[0] for server in config.dns_servers]
    return {
        "network_id": f"{config.nwid:016x}",
        "timestamp": config.timestamp,
        "credential_time_max_delta": config.credential_max_delta,
        "revision": config.revision,
        "issued_to": address_text(config.issued_to),
        "remote_trace_target": address_text(config.trace_target),
        "remote_trace_level": config.trace_level,
        "flags": config.flags,
        "enable_broadcast": config.enable_broadcast,
        "ndp_emulation": config.ndp_emulation,
        "disable_compression": config.disable_compression,
        "mtu": config.mtu,
        "multicast_limit": config.multicast_limit,
        "type": "public" if config.is_public else "private",
        "name": config.name,
        "specialists": list(map(specialist_fields, config.specialists)),
        "routes": list(map(route_fields, config.routes)),
        "static_ips": list(map(str, config.static_ips)),
        "capabilities": [one.to_bytes().hex() for one in config.capabilities],
        "tags": [one.to_bytes().hex() for one in config.tags],
        "certificates_of_ownership": [one.to_bytes().hex() for one in config.ownerships],
        "com": config.com.to_bytes().hex() if config.com else None,
        "dns": {"domain": config.dns_domain, "servers": servers},
        **sso_fields(config),
    }


CREDENTIALS = ("capabilities", "tags", "certificates_of_ownership")


def expected(case: dict[str, Any]) -> dict[str, Any]:
    flat = {key: [one["serialized"] for one in case[key]] for key in CREDENTIALS}
    return {key: value for key, value in {**case, **flat}.items() if key != "rules"}


@parametrize("network_config", "network_config")
def test_config(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["dictionary"])
    assert case["encoded_ok"]
    assert case["decode_ok"]
    config = NetworkConfig.parse(data)
    wanted = expected(case["fields"] if case["decoded_same"] else case["decoded_fields"])
    assert {key: value for key, value in fields(config).items() if key in wanted} == wanted
    rules, end = parse_rules(config.rules)
    assert [rule.to_json() for rule in rules] == case["fields"]["rules"]
    assert end == len(config.rules)
    assert encode_rules(rules) == config.rules
    if case["decoded_same"]:
        assert config.to_bytes() == data
    assert NetworkConfig.parse(config.to_bytes()) == config


@parametrize("network_config", "network_config_decode")
def test_decode(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["dictionary"])
    if not case["ok"]:
        with pytest.raises(Malformed):
            NetworkConfig.parse(data)
        return
    wanted = expected(case["fields"])
    config = NetworkConfig.parse(data)
    assert {key: value for key, value in fields(config).items() if key in wanted} == wanted
    assert config.rules == b""


def full() -> NetworkConfig:
    case = next(
        case for case in committed("network_config", "network_config") if case["name"] == "everything"
    )
    return NetworkConfig.parse(bytes.fromhex(case["dictionary"]))


def test_changed_config_is_malformed_or_encodes_again() -> None:
    data = full().to_bytes()
    parsed = 0
    for i in range(0, len(data), 3):
        for variant in (data[:i], data[:i] + bytes([data[i] ^ 0xC1]) + data[i + 1 :]):
            with contextlib.suppress(Malformed):
                config = NetworkConfig.parse(variant)
                parsed += 1
                again = config.to_bytes()
                assert NetworkConfig.parse(again).to_bytes() == again
    assert parsed > 200


def test_text_is_bounded_in_bytes() -> None:
    config = NetworkConfig.parse(b"v=7\nnwid=1\nid=1\nn=" + b"\xff" * 200)
    assert len(config.name.encode()) <= 127
    assert NetworkConfig.parse(config.to_bytes()) == config


def test_limits_hold_when_writing() -> None:
    config = full()
    tests = [
        ("tags", config.tags * 129),
        ("capabilities", config.capabilities * 129),
        ("ownerships", config.ownerships * 5),
        ("static_ips", config.static_ips * 33),
        ("routes", config.routes * 129),
        ("specialists", config.specialists * 257),
        ("dns_servers", config.dns_servers * 5),
        ("rules", b"\1\0" * 1025),
        ("name", "n" * 128),
        ("dns_domain", "n" * 128),
    ]
    for name, value in tests:
        with pytest.raises(ValueError, match=r"at most|longer"):
            replace(config, **{name: value}).to_bytes()  # type: ignore[arg-type]


def test_lists_keep_their_first_entries_when_reading() -> None:
    config = full()
    blob = b"".join(ownership.to_bytes() for ownership in config.ownerships * 6)
    head = [("v", b"7"), ("nwid", b"1"), ("id", b"1")]
    crowded = dictionary.encode([*head, ("COO", blob), ("S", bytes(7) + b"\1" + bytes(7) + b"\2")])
    read = NetworkConfig.parse(crowded)
    assert len(read.ownerships) == 4
    assert [one.address for one in read.specialists] == [1, 2]
    with pytest.raises(Malformed, match="1025 rules"):
        NetworkConfig.parse(dictionary.encode([*head, ("R", b"\1\0" * 1025)]))
    with pytest.raises(Malformed):
        NetworkConfig.parse(bytes(MAX_TOTAL))


@parametrize("network_config", "network_config_request")
def test_request(case: dict[str, Any]) -> None:
    payload = bytes.fromhex(case["plaintext_packet"])[PAYLOAD:]
    request = ConfigRequest.parse(payload)
    assert f"{request.nwid:016x}" == case["network_id"]
    assert request.metadata.hex() == case["dictionary"]
    assert request.metadata.decode() == case["dictionary_text"]
    assert f"{request.revision:016x}" == case["have_revision"]
    assert f"{request.timestamp:016x}" == case["have_timestamp"]
    assert request.to_bytes() == payload
    metadata = Metadata.parse(request.metadata)
    assert metadata.to_bytes() == request.metadata
    parsed = Dictionary.parse(request.metadata)
    assert {key.decode(): value.hex() for key, value in parsed.entries.items()} == {
        entry["key"]: entry["value"] for entry in case["entries"]
    }


def test_own_metadata() -> None:
    metadata = Metadata(platform="linux/x86_64", token="open=sesame")
    assert Metadata.parse(metadata.to_bytes()) == metadata
    assert Metadata.parse(b"a=sesame").token == ""
    assert (metadata.max_rules, metadata.max_capabilities) == (1024, 128)
    with pytest.raises(ValueError, match="token is too long"):
        Metadata(token="x" * 1000).to_bytes()
    assert ConfigRequest.parse(ConfigRequest(5, b"v=7").to_bytes()[:-16]) == ConfigRequest(5, b"v=7")
    assert ConfigRequest.parse(ConfigRequest(5, b"v=7", 8, 9).to_bytes()[:-1]) == ConfigRequest(5, b"v=7")


@parametrize("network_config", "config_chunks")
def test_chunks(case: dict[str, Any]) -> None:
    pieces = []
    for entry in case["chunks"]:
        packet = bytes.fromhex(entry["plaintext_packet"])
        body = packet[PAYLOAD:]
        if "in_re_verb" in entry:
            head, body = InRe.split(body)
            assert (head.verb, f"{head.packet_id:016x}") == (entry["in_re_verb"], entry["in_re_packet_id"])
            assert head.to_bytes() + body == packet[PAYLOAD:]
        chunk = ConfigChunk.parse(body)
        assert chunk.to_bytes() == body
        assert not chunk.is_legacy
        assert f"{chunk.nwid:016x}" == case["network_id"]
        assert len(chunk.data) == entry["chunk_length"]
        assert (chunk.flags, f"{chunk.update_id:016x}") == (entry["flags"], entry["update_id"])
        assert (chunk.total, chunk.offset) == (entry["total_length"], entry["chunk_index"])
        assert chunk.signature.hex() == entry["signature"]
        assert chunk.signed_bytes == body[: entry["signed_length"]]
        pieces.append(chunk)
    whole = b"".join(chunk.data for chunk in sorted(pieces, key=lambda chunk: chunk.offset))
    assert whole.hex() == case["dictionary"]
    config = NetworkConfig.parse(whole)
    assert config.to_bytes() == whole
    again = split(config.nwid, whole, pieces[0].update_id)
    assert [replace(chunk, signature=b"") for chunk in pieces] == again
    assert isinstance(config.com, Com)


def test_chunk_limits() -> None:
    chunks = split(1, bytes(3 * MAX_DATA), 7)
    assert [chunk.offset for chunk in chunks] == [0, MAX_DATA, 2 * MAX_DATA]
    body = chunks[0].to_bytes()
    assert len(body) + 28 + 9 < 10024
    assert ConfigChunk.parse(body + b"later additions").data == chunks[0].data
    with pytest.raises(ValueError, match="config of"):
        split(1, bytes(MAX_TOTAL), 7)
    with pytest.raises(Malformed):
        ConfigChunk.parse(replace(chunks[2], total=3 * MAX_DATA - 1).to_bytes())
    with pytest.raises(Malformed):
        ConfigChunk.parse(replace(chunks[2], total=MAX_TOTAL).to_bytes())
    with pytest.raises(Malformed):
        ConfigChunk.parse(body[: 11 + MAX_DATA] + bytes(8) + body[19 + MAX_DATA :])
    for length in range(len(body) - 130, len(body)):
        if length != 10 + MAX_DATA:
            with pytest.raises(Malformed):
                ConfigChunk.parse(body[:length])
    assert ConfigChunk.parse(body[: 10 + MAX_DATA]).is_legacy
