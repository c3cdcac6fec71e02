from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import parametrize

from fastzt._core.endpoint import Endpoint
from fastzt.wire.inetaddress import NIL, InetAddress, matching_bits, scope_of
from fastzt.wire.reader import Malformed, Reader


@parametrize("inetaddress", "serialize")
def test_serialize(case: dict[str, Any]) -> None:
    address = InetAddress(bytes.fromhex(case.get("ip_bytes", "")), case.get("port", 0))
    raw = bytes.fromhex(case["serialized"])
    assert address.to_bytes() == raw
    assert InetAddress.parse(raw) == address
    assert len(raw) == case["consumed"]
    assert address.scope == case["ip_scope"]
    if case["string"] is not None:
        assert InetAddress.from_text(case["string"]) == address
    if case["is_network"] is not None:
        assert address.is_network == case["is_network"]
        assert str(address.network) == str(InetAddress.from_text(case["network"]))
        assert address.netmask == ipaddress.ip_address(case["netmask"]).packed
    if case["string"] == "192.168.1.1/32":  # the reference shifts by 32 bits here: docs/compatibility.md
        assert address.broadcast == address.ip
    elif "broadcast" in case:
        assert address.broadcast == ipaddress.ip_address(case["broadcast"]).packed


# The reference reads on behind the end of the data; a truncated address is refused: docs/compatibility.md.
BEYOND_THE_END = {"type 3 with length beyond the data (length is returned anyway)", "type 1 alone"}


@parametrize("inetaddress", "deserialize")
def test_deserialize(case: dict[str, Any]) -> None:
    reader = Reader(bytes.fromhex(case["serialized"]))
    if not case["ok"] or case["name"] in BEYOND_THE_END:
        with pytest.raises(Malformed):
            InetAddress.read(reader)
        return
    address = InetAddress.read(reader)
    assert reader.offset == case["consumed"]
    assert (str(address) if address.ip else None) == case["string"]


@parametrize("inetaddress", "parse")
def test_from_text(case: dict[str, Any]) -> None:
    if case.get("quirk") or not case["family"]:
        with pytest.raises(ValueError):  # noqa: PT011
            InetAddress.from_text(case["input"])
        return
    address = InetAddress.from_text(case["input"])
    assert (address.ip.hex(), address.port) == (case["ip_bytes"], case["port"])
    assert InetAddress.from_text(case["string"]) == address


@parametrize("inetaddress", "contains")
def test_contains(case: dict[str, Any]) -> None:
    network, inside = InetAddress.from_text(case["network"]), InetAddress.from_text(case["ip"])
    # The reference compares an unmasked IPv6 network: docs/compatibility.md.
    expected = case["contains"] or (case["network"], case["ip"]) == ("fd00::1/64", "fd00::2")
    assert network.contains(inside) == expected
    assert matching_bits(network.ip, inside.ip) == case["matching_prefix_bits"]


ADDRESSES = st.builds(
    InetAddress,
    st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16)),
    st.integers(0, 65535),
)


@given(st.one_of(ADDRESSES, st.just(NIL)))
def test_round_trip(address: InetAddress) -> None:
    assert InetAddress.parse(address.to_bytes()) == address
    assert scope_of(address.ip) == address.scope


@given(ADDRESSES)
def test_network_agrees_with_the_standard_library(address: InetAddress) -> None:
    bits = address.port % (len(address.ip) * 8 + 1)
    mine = InetAddress(address.ip, bits)
    theirs = ipaddress.ip_network((address.ip, bits), strict=False)
    assert mine.network.ip == theirs.network_address.packed
    assert mine.netmask == theirs.netmask.packed
    assert mine.contains(mine.network)


def test_endpoint() -> None:
    endpoint = Endpoint.parse("192.0.2.1", 9993)
    assert InetAddress.of(endpoint).to_bytes().hex() == "04c00002012709"
    assert InetAddress.of(endpoint).endpoint == endpoint
    assert InetAddress.of(endpoint).ip16 == endpoint.ip
    assert InetAddress.of(None) is NIL
    assert NIL.endpoint is None


def test_no_prefix_length() -> None:
    for text in ("192.0.2.1/33", "2001:db8::/129"):
        address = InetAddress.from_text(text)
        with pytest.raises(ValueError, match="no network"):
            _ = address.network
        with pytest.raises(ValueError, match="no network"):
            address.contains(address)
    with pytest.raises(ValueError, match="broadcast"):
        _ = InetAddress.from_text("2001:db8::/64").broadcast
