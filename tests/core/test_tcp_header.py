"""TCP header and options: layout, round trips, malformed options."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from support.pair import pair, slab_of


@pair("tcp_header")
def test_write_and_read(m: ModuleType, make: Any) -> None:
    s = make(80)
    s.view[:] = b"\xee" * 80
    m.write(s, 3, 5380, 443, 0xFFFFFFF0, 0x80000001, 32, m.SYN | m.ACK | m.CWR, 0xFEDC)
    assert bytes(s.view[3:23]) == bytes.fromhex("1504 01bb fffffff0 80000001 80 92 fedc 0000 0000")
    assert (m.source_port(s, 3), m.destination_port(s, 3)) == (5380, 443)
    assert (m.sequence(s, 3), m.acknowledgment(s, 3)) == (0xFFFFFFF0, 0x80000001)
    assert (m.header_length(s, 3), m.flags(s, 3), m.window(s, 3)) == (32, 0x92, 0xFEDC)
    assert (m.check(s, 3, 32), m.check(s, 3, 77), m.check(s, 3, 31), m.check(s, 3, 19)) == (32, 32, 0, 0)
    m.set_checksum(s, 3, 0xABCD)
    assert m.checksum(s, 3) == 0xABCD
    s.buffer[15] = 0x40
    assert m.check(s, 3, 40) == 0


def parsed(m: ModuleType, make: Any, options: str) -> tuple[bool, Any]:
    data = bytes(20) + bytes.fromhex(options)
    found = m.TcpOptions()
    return found.parse(slab_of(make, data), 3, len(data)), found


SYN_OPTIONS = "020405b4 0402 080a 11223344 00000000 01 030307"


@pair("tcp_header")
def test_options_of_a_syn(m: ModuleType, make: Any) -> None:
    ok, found = parsed(m, make, SYN_OPTIONS)
    assert ok
    assert (found.mss, found.window_scale, found.sack_permitted) == (1460, 7, True)
    assert (found.has_timestamps, found.ts_value, found.ts_echo) == (True, 0x11223344, 0)
    assert found.sack_count == 0
    found.clear()
    assert (found.mss, found.window_scale, found.sack_permitted, found.has_timestamps) == (
        0,
        -1,
        False,
        False,
    )


@pair("tcp_header")
def test_options_of_an_ack(m: ModuleType, make: Any) -> None:
    ok, found = parsed(m, make, "0101080a ffffffff 80000000")
    assert ok
    assert (found.has_timestamps, found.ts_value, found.ts_echo) == (True, 0xFFFFFFFF, 0x80000000)
    ok, found = parsed(m, make, "0101 0512 00000001 00000005 fffffff0 00000000")
    assert ok
    assert [found.sack_block(i) for i in range(found.sack_count)] == [(1, 5), (0xFFFFFFF0, 0)]
    with pytest.raises(IndexError):
        found.sack_block(2)


@pair("tcp_header")
@pytest.mark.parametrize(
    ("options", "ok"),
    [
        ("00ffffff", True),  # nothing behind the end counts
        ("fe04abcd", True),  # an unknown option is skipped
        ("01010102", False),  # no room for a length
        ("02000000", False),
        ("02010000", False),
        ("02060000", False),
        ("0203050000000000", False),
        ("0101080901020304", False),
        ("03040700", False),
        ("04030000", False),
        ("0502 0000", False),
        ("0509 0000000000 000000 000000", False),
        ("052a" + "00" * 38, False),
    ],
)
def test_malformed_options(m: ModuleType, make: Any, options: str, ok: bool) -> None:
    verdict, found = parsed(m, make, options)
    assert verdict == ok
    assert (found.mss, found.has_timestamps, found.sack_count) == (0, False, 0)


@pair("tcp_header")
def test_what_came_before_a_malformed_option_stays(m: ModuleType, make: Any) -> None:
    ok, found = parsed(m, make, "020405b4 08020000")
    assert (ok, found.mss, found.has_timestamps) == (False, 1460, False)


@pair("tcp_header")
def test_window_scale_is_capped(m: ModuleType, make: Any) -> None:
    assert parsed(m, make, "0303ff00")[1].window_scale == 14


@pair("tcp_header")
def test_write_options(m: ModuleType, make: Any) -> None:
    out = m.TcpOptions()
    assert out.write(make(4), 0) == out.length() == 0
    out.mss, out.window_scale, out.sack_permitted = 1354, 8, True
    out.has_timestamps, out.ts_value, out.ts_echo = True, 1, 0xFFFFFFFE
    s = make(60)
    assert out.write(s, 3) == out.length() == 20
    assert bytes(s.view[3:23]) == bytes.fromhex("0204054a 01030308 0402080a 00000001 fffffffe")
    out.has_timestamps = False
    assert out.write(s, 3) == out.length() == 12
    assert bytes(s.view[3:15]) == bytes.fromhex("0204054a 01030308 01010402")


@pair("tcp_header")
@pytest.mark.parametrize(("timestamps", "room"), [(False, 4), (True, 3)])
def test_write_sack_blocks_that_fit(m: ModuleType, make: Any, timestamps: bool, room: int) -> None:
    out = m.TcpOptions()
    out.has_timestamps = timestamps
    assert [out.add_sack(10 * i, 10 * i + 5) for i in range(5)] == [True] * 4 + [False]
    s = make(60)
    assert out.sack_room() == room
    n = out.write(s, 20)
    assert n == out.length() <= 40
    found = m.TcpOptions()
    assert found.parse(s, 0, 20 + n)
    assert found.has_timestamps == timestamps
    assert [found.sack_block(i) for i in range(found.sack_count)] == [
        (10 * i, 10 * i + 5) for i in range(room)
    ]
