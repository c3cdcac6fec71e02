from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import committed

from fastzt._core.endpoint import Endpoint
from fastzt.wire.hello import Hello, OkHello
from fastzt.wire.planet import default_planet
from fastzt.wire.reader import Malformed

IDENTITY = bytes.fromhex(committed("identity", "identity")[0]["public_binary"])
HERE = Endpoint.parse("192.0.2.33", 9993)
HERE6 = Endpoint.parse("2001:db8::33", 9993)


def test_specification_example() -> None:
    packet = bytes.fromhex(
        "010203040506070fd6befe333f8e4df28b72000678a4366bbd2259010c010e00010000018bcfe568008e4df28b7200ac3d46abe0c21f3c"
        "fe7a6c8d6a85cfcffcb82fbd55af6a4d6350657c68200843fa2e16f9418bbd9702cae365f2af5fb4c420908b803a681d4daef6114d78a2"
        "d70004c000022127090000000008eac90a0000017ee95760cd6e0a5a047e0b90957052464dbea5095f7fe220"
    )
    hello = Hello.parse_head(packet[28:])
    assert (hello.protocol, hello.major, hello.minor, hello.revision) == (12, 1, 14, 1)
    assert (hello.clock, hello.source, hello.destination) == (1700000000000, 0x8E4DF28B72, HERE)
    assert (hello.planet_id, hello.planet_timestamp) == (149604618, 1644592324813)
    assert Hello.tail_offset(packet[28:]) + 28 == 135
    full = Hello(1700000000000, hello.identity, HERE, 149604618, 1644592324813, ((0x1122334455, 0),))
    assert len(full.to_bytes()) + 28 == 154
    assert full.to_bytes()[: 135 - 28] == packet[28:135]


@pytest.mark.parametrize(("where", "size"), [(HERE, 137), (HERE6, 149)])
def test_sizes(where: Endpoint, size: int) -> None:
    assert len(Hello(1, IDENTITY, where, 2, 3).to_bytes()) + 28 == size


U64 = st.integers(0, 2**64 - 1)


@given(U64, st.sampled_from([None, HERE, HERE6]), U64, U64, st.lists(st.tuples(U64, U64), max_size=5))
def test_round_trip(
    clock: int, where: Endpoint | None, planet: int, at: int, moons: list[tuple[int, int]]
) -> None:
    hello = Hello(clock, IDENTITY, where, planet, at, tuple(moons), 11, 1, 2, 3)
    data = hello.to_bytes()
    assert Hello.parse(data) == hello
    tail = Hello.tail_offset(data)
    assert len(data) == tail + 2 + 17 * len(moons)


def test_older_senders_may_stop_early() -> None:
    full = Hello(7, IDENTITY, HERE, 8, 9).to_bytes()
    after_identity = full[: 13 + 71]
    assert Hello.parse(after_identity) == Hello(7, IDENTITY)
    assert Hello.tail_offset(after_identity) == len(after_identity)
    assert Hello.parse(after_identity + full[84:91]) == Hello(7, IDENTITY, HERE)
    assert Hello.parse(full[:-2]) == Hello(7, IDENTITY, HERE, 8, 9)
    allowed = {84, 91, 107, 109}
    for length in range(len(full)):
        if length not in allowed:
            with pytest.raises(Malformed):
                Hello.parse(full[:length])


def test_entries_that_are_no_moon_are_skipped() -> None:
    data = Hello(7, IDENTITY, HERE, 8, 9, ((1, 2), (3, 4))).to_bytes()
    start = Hello.tail_offset(data) + 2
    assert Hello.parse(data[:start] + b"\1" + data[start + 1 :]).moons == ((3, 4),)


def test_ok_hello() -> None:
    ok = OkHello(123, HERE6, (default_planet(), default_planet()))
    data = ok.to_bytes()
    assert OkHello.parse(data) == ok
    assert OkHello.parse(data[:13]) == OkHello(123)
    assert OkHello.parse(data[:32]) == OkHello(123, HERE6)
    assert OkHello.parse(OkHello(5).to_bytes()) == OkHello(5)
    for length in (0, 12, 14, 33, 34, 35, 600, len(data) - 1):
        with pytest.raises(Malformed):
            OkHello.parse(data[:length])
