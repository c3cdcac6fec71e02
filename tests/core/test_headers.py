"""Header codecs: what `write` lays out, `check` accepts and the accessors read; bad lengths are refused."""

from __future__ import annotations

import struct
from types import ModuleType
from typing import Any

import pytest
from support.pair import pair, slab_of


@pair("packet")
def test_packet_header_layout(m: ModuleType, make: Any) -> None:
    s = make(40)
    m.write_header(
        s, 3, 0x0102030405060708, 0xA1A2A3A4A5, 0xB1B2B3B4B5, 0x5A, m.VERB_COMPRESSED | m.EXT_FRAME
    )
    assert bytes(s.view[3:31]) == bytes.fromhex(
        "0102030405060708 a1a2a3a4a5 b1b2b3b4b5 5a 0000000000000000 87"
    )
    assert m.packet_id(s, 3) == 0x0102030405060708
    assert (m.destination(s, 3), m.source(s, 3)) == (0xA1A2A3A4A5, 0xB1B2B3B4B5)
    assert (m.flags(s, 3), m.hops(s, 3), m.suite(s, 3), m.fragmented(s, 3)) == (0x5A, 2, m.SUITE_AES, True)
    assert (m.verb(s, 3), m.compressed(s, 3), m.mac(s, 3)) == (m.EXT_FRAME, True, 0)
    m.set_hops(s, 3, 15)
    assert (m.hops(s, 3), m.suite(s, 3), m.fragmented(s, 3)) == (7, m.SUITE_AES, True)
    m.set_fragmented(s, 3, False)
    assert m.flags(s, 3) == 0x1F
    m.set_fragmented(s, 3, True)
    m.set_packet_id(s, 3, 2**64 - 1)
    assert (m.flags(s, 3), m.packet_id(s, 3)) == (0x5F, 2**64 - 1)
    m.set_flags(s, 3, 0x88)
    assert (m.suite(s, 3), m.hops(s, 3)) == (m.SUITE_SALSA20, 0)


@pair("packet")
def test_classify(m: ModuleType, make: Any) -> None:
    s = make(11000)
    kinds = {n: m.classify(s, 0, n) for n in (0, 4, 12, 13, 14, 16, 17, 27, 28, 10024, 10025)}
    assert [n for n, kind in kinds.items() if kind == m.KIND_PACKET] == [28, 10024]
    assert [n for n, kind in kinds.items() if kind == m.KIND_BEACON] == [13]
    s.buffer[13] = 0xFF
    assert [n for n in kinds if m.classify(s, 0, n) == m.KIND_FRAGMENT] == [17, 27, 28, 10024]
    assert m.classify(s, 0, 16) == m.KIND_JUNK


@pair("fragment")
def test_fragment_header_and_check(m: ModuleType, make: Any) -> None:
    s = make(40)
    m.write_header(s, 3, 0x0102030405060708, 0xA1A2A3A4A5, 7, 6)
    assert bytes(s.view[3:19]) == bytes.fromhex("0102030405060708 a1a2a3a4a5 ff 76 00")
    m.set_hops(s, 3, 9)
    assert (m.packet_id(s, 3), m.destination(s, 3)) == (0x0102030405060708, 0xA1A2A3A4A5)
    assert (m.total(s, 3), m.number(s, 3), m.hops(s, 3)) == (7, 6, 1)
    assert (m.check(s, 3, 17), m.check(s, 3, 16)) == (7, 0)
    good = []
    for byte in range(256):
        s.buffer[3 + m.NUMBERS] = byte
        if m.check(s, 3, 17):
            good.append((byte >> 4, byte & 15))
    assert good == [(total, number) for total in range(2, 8) for number in range(1, total)]
    s.buffer[3 + m.INDICATOR] = 0xFE
    assert m.check(s, 3, 17) == 0


@pair("fragment")
@pytest.mark.parametrize("mtu", [64, 100, 1400, 1432])
def test_pieces_cover_the_packet(m: ModuleType, make: Any, mtu: int) -> None:
    for n in [1, mtu - 1, mtu, mtu + 1, *range(2 * mtu - 20, 2 * mtu), mtu + 6 * (mtu - 16)]:
        count = m.pieces(n, mtu)
        at = 0
        for i in range(count):
            assert m.piece_start(i, mtu) == at
            length = m.piece_length(i, n, mtu)
            assert 0 < length + (16 if i else 0) <= mtu
            at += length
        assert at == n
    assert m.pieces(mtu + 6 * (mtu - 16), mtu) == 7
    assert m.pieces(mtu + 6 * (mtu - 16) + 1, mtu) == 0


def test_largest_packet_of_the_protocol() -> None:
    from fastzt._core import fragment

    assert (fragment.pieces(9928, 1432), fragment.pieces(9929, 1432)) == (7, 0)


@pair("ethernet")
def test_ethernet(m: ModuleType, make: Any) -> None:
    s = make(20)
    assert m.write(s, 3, 0xFFFFFFFFFFFF, 0x0211F0A1B2C3, m.ETHERTYPE_ARP) == 14
    assert bytes(s.view[3:17]) == bytes.fromhex("ffffffffffff 0211f0a1b2c3 0806")
    assert (m.destination(s, 3), m.source(s, 3)) == (0xFFFFFFFFFFFF, 0x0211F0A1B2C3)
    assert m.ethertype(s, 3) == 0x0806
    assert (m.check(s, 3, 14), m.check(s, 3, 13)) == (14, 0)
    assert m.is_multicast(0x010000000000)
    assert not m.is_multicast(0x0211F0A1B2C3)


# RFC 1071 by the book, for a header whose checksum field is zero.
def internet_checksum(data: bytes) -> int:
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF ^ total


@pair("ipv4")
def test_ipv4_write_and_read(m: ModuleType, make: Any) -> None:
    s = make(80)
    assert m.write(s, 3, 60, 0xBEEF, m.PROTOCOL_TCP, 0x0A000001, 0xC0A801FE) == 20
    bare = bytes.fromhex("4500003cbeef400040060000 0a000001 c0a801fe")
    wanted = bare[:10] + internet_checksum(bare).to_bytes(2, "big") + bare[12:]
    assert bytes(s.view[3:23]) == wanted
    assert m.check(s, 3, 60) == 20
    assert (m.total_length(s, 3), m.identification(s, 3), m.protocol(s, 3)) == (60, 0xBEEF, 6)
    assert (m.tos(s, 3), m.ttl(s, 3), m.is_fragment(s, 3)) == (0, 64, False)
    assert (m.source(s, 3), m.destination(s, 3)) == (0x0A000001, 0xC0A801FE)
    assert m.source16(s, 3) == bytes.fromhex("00000000000000000000ffff0a000001")
    assert m.source_low(s, 3) == int.from_bytes(m.source16(s, 3)[8:], "big")
    assert m.destination_low(s, 3) == int.from_bytes(m.destination16(s, 3)[8:], "big")


def ipv4_header(first: int = 0x45, total: int = 60, flags: int = 0, options: bytes = b"") -> bytes:
    bare = struct.pack(">BBHHHBBHII", first, 0, total, 1, flags, 64, 6, 0, 1, 2) + options
    return bare[:10] + internet_checksum(bare).to_bytes(2, "big") + bare[12:]


@pair("ipv4")
def test_ipv4_check_refuses(m: ModuleType, make: Any) -> None:
    good = ipv4_header() + bytes(40)
    assert m.check(slab_of(make, good), 3, 60) == 20
    assert m.check(slab_of(make, good), 3, 59) == 0
    assert m.check(slab_of(make, good), 3, 19) == 0
    assert m.check(slab_of(make, ipv4_header(0x65) + bytes(40)), 3, 60) == 0
    assert m.check(slab_of(make, ipv4_header(0x44) + bytes(40)), 3, 60) == 0
    assert m.check(slab_of(make, ipv4_header(total=19) + bytes(40)), 3, 60) == 0
    # Options are part of the sum.
    assert m.check(slab_of(make, ipv4_header(0x4F) + b"\1" + bytes(39)), 3, 60) == 0
    assert m.check(slab_of(make, ipv4_header(0x46, options=b"\1\1\1\0") + bytes(36)), 3, 60) == 24
    for bit in range(160):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        assert m.check(slab_of(make, bytes(bad)), 3, 60) == 0, bit


@pair("ipv4")
def test_ipv4_fragments(m: ModuleType, make: Any) -> None:
    seen = [
        m.is_fragment(slab_of(make, ipv4_header(flags=f) + bytes(40)), 3)
        for f in (0, 0x4000, 0x2000, 1, 0x1FFF)
    ]
    assert seen == [False, False, True, True, True]


A6 = bytes.fromhex("fd00112233445566778899aabbccddee")
B6 = bytes.fromhex("fe80000000000000ffffffffffffffff")


def halves(address: bytes) -> tuple[int, int]:
    high, low = struct.unpack(">QQ", address)
    return high, low


@pair("ipv6")
def test_ipv6_write_and_read(m: ModuleType, make: Any) -> None:
    s = make(80)
    assert m.write(s, 3, 24, m.NEXT_ICMPV6, *halves(A6), *halves(B6)) == 40
    assert bytes(s.view[3:43]) == bytes.fromhex("60000000 0018 3a 40") + A6 + B6
    assert (m.check(s, 3, 64), m.check(s, 3, 63), m.check(s, 3, 39)) == (40, 0, 0)
    assert (m.payload_length(s, 3), m.next_header(s, 3), m.hop_limit(s, 3)) == (24, 58, 64)
    assert (m.source_high(s, 3), m.source_low(s, 3)) == halves(A6)
    assert (m.destination_high(s, 3), m.destination_low(s, 3)) == halves(B6)
    assert (m.source16(s, 3), m.destination16(s, 3)) == (A6, B6)
    s.view[3:7] = bytes.fromhex("6abcdef1")
    assert (m.traffic_class(s, 3), m.flow_label(s, 3)) == (0xAB, 0xCDEF1)
    s.buffer[3] = 0x45
    assert m.check(s, 3, 64) == 0


@pair("ipv6")
@pytest.mark.parametrize(
    ("first", "payload", "found"),
    [
        (6, "", (40, 6)),
        (0, "06 00 0000 00000000" + "00" * 20, (48, 6)),
        (0, "2b 01" + "00" * 14 + "3c 00" + "00" * 6 + "11 00" + "00" * 6 + "00" * 8, (72, 17)),
        (44, "06 00 0001 00000000", (40, 44)),
        (60, "2c 00" + "00" * 6 + "06 00 0000 00000000", (48, 44)),
        (0, "06 00 0000 000000", None),
        (0, "06 01 0000 00000000", None),
        (0, ("00 00" + "00" * 6) * 9, None),
        (0, "3b 00" + "00" * 6, (48, 59)),
    ],
)
def test_ipv6_extension_headers(
    m: ModuleType, make: Any, first: int, payload: str, found: tuple[int, int] | None
) -> None:
    data = bytes.fromhex(payload)
    head = make(40)
    m.write(head, 0, len(data), first, *halves(A6), *halves(B6))
    s = slab_of(make, bytes(head.view) + data)
    assert m.check(s, 3, 40 + len(data)) == 40
    assert m.upper(s, 3) == (0 if found is None else found[0] << 8 | found[1])


@pair("udp_header")
def test_udp(m: ModuleType, make: Any) -> None:
    s = make(30)
    assert m.write(s, 3, 9993, 53, 20) == 8
    assert bytes(s.view[3:11]) == bytes.fromhex("2709 0035 0014 0000")
    assert (m.source_port(s, 3), m.destination_port(s, 3), m.length(s, 3)) == (9993, 53, 20)
    assert (m.check(s, 3, 20), m.check(s, 3, 21), m.check(s, 3, 19), m.check(s, 3, 7)) == (8, 8, 0, 0)
    m.set_checksum(s, 3, 0x1234)
    assert m.checksum(s, 3) == 0x1234
    m.set_checksum(s, 3, 0)
    assert m.checksum(s, 3) == 0xFFFF
    m.write(s, 3, 1, 2, 7)
    assert m.check(s, 3, 20) == 0
