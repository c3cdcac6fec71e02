"""Records of a TCP relay: framing, addresses, and what counts as a VL1 packet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastzt._core.endpoint import Endpoint
from fastzt.wire import tcp_relay
from fastzt.wire.reader import Malformed

HERE = Endpoint.parse("192.0.2.7", 9993)
THERE = Endpoint.parse("2001:db8::7", 9994)
PACKET = bytes(8) + b"\x01\x02\x03\x04\x05" + b"\x06\x07\x08\x09\x0a" + b"\x18" + bytes(20)
FRAGMENT = bytes(8) + b"\x01\x02\x03\x04\x05" + b"\xff\x21\x00" + bytes(20)


def test_bytes_on_the_wire() -> None:
    assert tcp_relay.greeting((1, 14, 1)) == b"\x17\x03\x03\x00\x04\x01\x0e\x00\x01"
    assert tcp_relay.datagram(HERE, b"abc") == b"\x17\x03\x03\x00\x0a\x04\xc0\x00\x02\x07\x27\x09abc"


@given(st.lists(st.tuples(st.sampled_from([HERE, THERE]), st.binary(max_size=2047)), max_size=8), st.data())
def test_records_survive_any_cutting(sent: list[tuple[Endpoint, bytes]], data: st.DataObject) -> None:
    stream = b"".join(tcp_relay.datagram(*item) for item in sent)
    records, found = tcp_relay.Records(), []
    while stream:
        n = data.draw(st.integers(1, len(stream)))
        found += [tcp_relay.parse_datagram(body) for body in records.feed(stream[:n])]
        stream = stream[n:]
    assert found == sent


@pytest.mark.parametrize(
    "stream", [b"GET / HTTP/1.1\r\n\r\n", b"\x17\x03\x03\xff\xff", b"\x16\x03\x03\x00\x04abcd"]
)
def test_what_is_no_record_is_malformed(stream: bytes) -> None:
    with pytest.raises(Malformed):
        list(tcp_relay.Records().feed(stream))


def test_bodies() -> None:
    assert tcp_relay.parse_datagram(b"") is None
    assert tcp_relay.parse_datagram(b"\x00abc") is None
    for n in range(7):
        body = b"\x04\xc0\x00\x02\x07\x27\x09"[:n]
        if n:
            with pytest.raises(Malformed):
                tcp_relay.parse_datagram(body)
    with pytest.raises(ValueError, match="at most"):
        tcp_relay.datagram(HERE, bytes(2100))


@pytest.mark.parametrize(
    ("data", "good"),
    [
        (PACKET, True),
        (FRAGMENT, True),
        (PACKET[:27], False),
        (PACKET[:18] + b"\x10" + PACKET[19:], False),  # suite 2
        (PACKET[:8] + bytes(5) + PACKET[13:], False),  # to nobody
        (FRAGMENT[:14] + b"\x12" + FRAGMENT[15:], False),  # number beyond the total
        (FRAGMENT[:16], False),
        (PACKET + bytes(2047), False),
        (b"\x12\x34\x01\x00\x00\x01" + bytes(40), False),  # as DNS asks
        (b"", False),
    ],
)
def test_what_looks_like_a_packet(data: bytes, good: bool) -> None:
    assert tcp_relay.looks_like_vl1(data) == good
