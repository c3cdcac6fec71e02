from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import parametrize

from fastzt._core.endpoint import V4_PREFIX
from fastzt.errors import InputError
from fastzt.wire import address as a

U40 = st.integers(0, 2**40 - 1)
U64 = st.integers(0, 2**64 - 1)


@parametrize("vl2_addr", "derive")
def test_derive(case: dict[str, Any]) -> None:
    nwid, address = a.parse_network_id(case["network_id"]), int(case["address"], 16)
    mac = a.mac_of(address, nwid)
    assert a.format_mac(mac) == case["mac"]
    assert a.parse_mac(case["mac"]) == mac
    assert mac >> 40 == case["mac_first_octet_for_network"]
    assert a.format_address(a.address_of(mac, nwid)) == case["address_from_mac"]
    assert a.is_member_mac(mac, nwid)
    assert not a.is_member_mac(mac ^ 1 << 40, nwid)
    assert a.format_address(a.controller_of(nwid)) == case["controller_address"]
    assert a.rfc4193(address, nwid).hex() == case["rfc4193_bytes"]
    assert case["rfc4193_prefix_bits"] == a.RFC4193_BITS
    assert a.sixplane(address, nwid).hex() == case["sixplane_bytes"]
    assert case["sixplane_prefix_bits"] == a.SIXPLANE_BITS
    assert a.link_local(mac).hex() == case["link_local_bytes"]
    assert a.is_reserved(address) == case["address_reserved"]
    assert a.format_network_id(nwid) == case["network_id"]


@parametrize("vl2_addr", "mac_to_address")
def test_mac_to_address(case: dict[str, Any]) -> None:
    nwid, mac = a.parse_network_id(case["network_id"]), a.parse_mac(case["mac"])
    assert a.format_address(a.address_of(mac, nwid)) == case["address"]
    assert a.is_multicast_mac(mac) == case["is_multicast"]
    assert (mac == a.BROADCAST_MAC) == case["is_broadcast"]
    assert bool(mac >> 41 & 1) == case["is_locally_administered"]


@parametrize("vl2_addr", "resolution_group")
def test_resolution_group(case: dict[str, Any]) -> None:
    packed = ipaddress.ip_address(case["ip"]).packed
    mac, adi = a.resolution_group(V4_PREFIX + packed if len(packed) == 4 else packed)
    assert (a.format_mac(mac), adi) == (case["mac"], case["adi"])


@given(U40, U64)
def test_mac_round_trip(address: int, nwid: int) -> None:
    assert a.address_of(a.mac_of(address, nwid), nwid) == address


@given(U40, U40, U64)
def test_emulated_owner(own: int, other: int, nwid: int) -> None:
    for plan, bits in ((a.rfc4193, a.RFC4193_BITS), (a.sixplane, a.SIXPLANE_BITS)):
        mine, target = plan(own, nwid), plan(other, nwid)
        assert a.emulated_owner(mine, bits, target, nwid) == other
        assert a.emulated_owner(mine, bits + 1, target, nwid) is None
        assert a.emulated_owner(mine, bits, b"\x20" + target[1:], nwid) is None


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (a.parse_address, "0000000000"),
        (a.parse_address, "ff00000000"),
        (a.parse_address, "123456789"),
        (a.parse_address, "0x12345678"),
        (a.parse_address, "1_23456789"),
        (a.parse_network_id, "9ad07d01093a69e"),
        (a.parse_network_id, "9ad07d01093a69e3 "),
        (a.parse_network_id, "-ad07d01093a69e3"),
        (a.parse_mac, "001122334455"),
        (a.parse_mac, "00:11:22:33:44:5g"),
    ],
)
def test_bad_text_is_named(parse: Any, text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert repr(text) in str(caught.value)


def test_groups_of_multicast_and_broadcast_addresses() -> None:
    for text, mac in (
        ("224.0.0.251", 0x01005E0000FB),
        ("239.255.2.3", 0x01005E7F0203),
        ("255.255.255.255", 0xFFFFFFFFFFFF),
        ("10.0.0.255", 0xFFFFFFFFFFFF),
        ("ff02::1:ff00:1234", 0x3333FF001234),
    ):
        packed = ipaddress.ip_address(text).packed
        assert a.group_of(packed if len(packed) == 16 else V4_PREFIX + packed) == (mac, 0)
