"""Header codecs on any bytes: both builds answer alike, and what is accepted lies inside."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from support.pair import PROPERTY, modules, slab_of, slabs

BYTES = st.binary(min_size=64, max_size=120)
LENGTHS = st.integers(0, 64)
# First bytes that get further than noise does.
LIKELY = st.sampled_from([b"", b"\x45\0\0\x28", b"\x4f\0\0\x3c", b"\x60\0\0\0\0\x18", b"\x60\0\0\0\0\x18\0"])


def answers(name: str, data: bytes, functions: list[str], *lengths: int) -> list[Any]:
    """What both builds say to the same bytes, once."""
    found = []
    for m, make in zip(modules(name), slabs(), strict=True):
        s = slab_of(make, data)
        found.append([getattr(m, f)(s, 3, *lengths) for f in functions])
    assert found[0] == found[1]
    return found[0]


READERS = {
    "packet": [
        "packet_id",
        "destination",
        "source",
        "flags",
        "hops",
        "suite",
        "fragmented",
        "verb",
        "compressed",
    ],
    "fragment": ["packet_id", "destination", "total", "number", "hops"],
    "ethernet": ["destination", "source", "ethertype"],
    "ipv4": [
        "tos",
        "total_length",
        "identification",
        "is_fragment",
        "ttl",
        "protocol",
        "source",
        "destination",
        "source_low",
    ],
    "ipv6": [
        "payload_length",
        "traffic_class",
        "flow_label",
        "next_header",
        "hop_limit",
        "source_high",
        "source16",
    ],
    "udp_header": ["source_port", "destination_port", "length", "checksum"],
    "tcp_header": [
        "source_port",
        "sequence",
        "acknowledgment",
        "header_length",
        "flags",
        "window",
        "checksum",
    ],
}


@PROPERTY
@given(st.sampled_from(sorted(READERS)), LIKELY, BYTES)
def test_accessors_agree(name: str, head: bytes, noise: bytes) -> None:
    answers(name, head + noise[len(head) :], READERS[name])


@PROPERTY
@given(st.sampled_from(["fragment", "ipv4", "ipv6", "udp_header", "tcp_header"]), LIKELY, BYTES, LENGTHS)
def test_checks_agree_and_stay_inside(name: str, head: bytes, noise: bytes, n: int) -> None:
    data = head + noise[len(head) :]
    (length,) = answers(name, data, ["check"], n)
    assert 0 <= length <= n
    if name == "ipv6" and length:
        (found,) = answers(name, data, ["upper"])
        assert found == 0 or 40 <= found >> 8 <= n


@PROPERTY
@given(st.binary(max_size=40))
@example(b"\x02")
@example(b"\x08\x0a" + bytes(7))
def test_any_tcp_options(options: bytes) -> None:
    options += bytes(-len(options) % 4)
    found = []
    for m, make in zip(modules("tcp_header"), slabs(), strict=True):
        # Nothing behind the header may be read: what follows would be a window scale.
        s = slab_of(make, bytes(20) + options + b"\x03\x03\x07" * 14)
        o = m.TcpOptions()
        ok = o.parse(s, 3, 20 + len(options))
        blocks = [o.sack_block(i) for i in range(o.sack_count)]
        found.append(
            (ok, o.mss, o.window_scale, o.sack_permitted, o.has_timestamps, o.ts_value, o.ts_echo, blocks)
        )
    assert found[0] == found[1]
    if b"\x03\x03" not in options:
        assert found[0][2] == -1


U32 = st.integers(0, 2**32 - 1)


@PROPERTY
@given(
    st.integers(0, 65535),
    st.integers(-1, 14),
    st.booleans(),
    st.none() | st.tuples(U32, U32),
    st.lists(st.tuples(U32, U32), max_size=4),
)
def test_tcp_options_round_trip(
    mss: int, scale: int, permitted: bool, stamps: tuple[int, int] | None, blocks: list[tuple[int, int]]
) -> None:
    for m, make in zip(modules("tcp_header"), slabs(), strict=True):
        out, back = m.TcpOptions(), m.TcpOptions()
        out.mss, out.window_scale, out.sack_permitted = mss, scale, permitted
        out.has_timestamps = stamps is not None
        out.ts_value, out.ts_echo = stamps or (0, 0)
        for block in blocks:
            out.add_sack(*block)
        s = make(64)
        s.view[:] = b"\xff" * 64
        n = out.write(s, 23)
        assert n == out.length()
        assert n % 4 == 0
        assert n <= 40
        assert bytes(s.view[23 + n :]) == b"\xff" * (41 - n)
        assert back.parse(s, 3, 20 + n)
        assert (back.mss, back.window_scale, back.sack_permitted) == (mss, scale, permitted)
        assert (back.has_timestamps, back.ts_value, back.ts_echo) == (stamps is not None, *(stamps or (0, 0)))
        kept = blocks[: out.sack_room()]
        assert [back.sack_block(i) for i in range(back.sack_count)] == kept


@PROPERTY
@given(U32, U32, st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**62))
def test_serial_numbers(a: int, b: int, n: int, near: int) -> None:
    for m in modules("seqnum"):
        d = m.diff(a, b)
        assert -(2**31) <= d < 2**31
        assert (b + d - a) % 2**32 == 0
        assert m.add(a, n) == (a + n) % 2**32
        assert (m.lt(a, b), m.leq(a, b)) == (d < 0, d <= 0)
        position = m.unwrap(a, near)
        assert position % 2**32 == a
        assert -(2**31) <= position - near < 2**31
