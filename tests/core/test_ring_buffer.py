"""RingBuffer: a receiver's and a sender's use of it, memory, and what it refuses."""

from __future__ import annotations

import array
from types import ModuleType
from typing import Any

import pytest
from support.pair import pair, slab_of


@pair("ring_buffer")
def test_a_receiver_fills_a_hole(m: ModuleType, make: Any) -> None:
    ring = m.RingBuffer(10_000, 2**33)
    s = slab_of(make, b"abcdefgh", 0)
    assert ring.append(s, 0, 2) == 2
    assert ring.write_at(2**33 + 5, s, 5, 3)
    assert (ring.used(), ring.tail, ring.high) == (2, 2**33 + 2, 2**33 + 8)
    assert ring.read(100) == b"ab"
    assert ring.read(100) == b""
    assert ring.write_at(2**33 + 2, s, 2, 3)
    assert ring.advance(6)
    assert not ring.advance(1)
    assert not ring.advance(-1)
    target = bytearray(9)
    assert ring.read_into(target) == 6
    assert target == b"cdefgh\0\0\0"


@pair("ring_buffer")
def test_a_sender_peeks_and_releases(m: ModuleType, make: Any) -> None:
    ring = m.RingBuffer(8)
    assert ring.write(b"0123456789") == 8
    assert ring.write(b"x") == ring.room() == 0
    s = make(4)
    assert ring.peek(3, s, 1, 3)
    assert bytes(s.view) == b"\x00345"
    assert not ring.peek(6, s, 0, 3)
    assert not ring.peek(-1, s, 0, 1)
    assert ring.peek(8, s, 0, 0)
    assert ring.peek_sum(3, s, 1, 3, 0) == 0x3334 + 0x3500
    assert bytes(s.view) == b"\x00345"
    assert ring.peek_sum(6, s, 0, 3, 0) == -1
    assert ring.peek_sum(8, s, 0, 0, 7) == 7
    assert ring.discard(5) == 5
    assert not ring.peek(4, s, 0, 1)
    assert ring.write(b"abcdef") == 5
    assert ring.discard(100) == 8
    assert (ring.head, ring.tail, ring.discard(1), ring.discard(-1)) == (13, 13, 0, 0)


@pair("ring_buffer")
def test_memory_grows_in_steps_and_is_given_back(m: ModuleType, make: Any) -> None:
    ring = m.RingBuffer(1 << 20)
    assert ring.capacity == 0
    steps = []
    for _ in range(64):
        ring.write(bytes(1024))
        steps.append(ring.capacity)
    assert sorted(set(steps)) == [1024, 2048, 4096, 8192, 16384, 32768, 65536]
    ring.discard(60_000)
    ring.shrink()
    assert ring.capacity == 8192
    ring.discard(6000)
    ring.shrink()
    assert ring.capacity == 0
    assert ring.write(b"again") == 5
    assert ring.read(5) == b"again"


@pair("ring_buffer")
def test_a_raised_limit_lets_more_in(m: ModuleType, make: Any) -> None:
    ring = m.RingBuffer(10)
    assert ring.write(bytes(20)) == 10
    ring.limit = 15
    assert (ring.room(), ring.write(bytes(20))) == (5, 5)
    ring.limit = 3
    assert (ring.room(), ring.write(b"x"), ring.used()) == (0, 0, 15)


@pair("ring_buffer")
def test_write_ahead_is_bounded(m: ModuleType, make: Any) -> None:
    ring = m.RingBuffer(100, 50)
    s = make(101)
    assert not ring.write_at(49, s, 0, 1)
    assert not ring.write_at(50, s, 0, 101)
    assert not ring.write_at(150, s, 0, 1)
    assert not ring.write_at(50, s, 0, 0)
    assert ring.capacity == 0
    assert ring.write_at(149, s, 0, 1)


@pair("ring_buffer")
def test_any_buffer_is_taken_and_only_writable_ones_filled(m: ModuleType, make: Any) -> None:
    ring = m.RingBuffer(100)
    assert ring.write(array.array("H", [1, 2, 3])) == 6
    assert ring.write(memoryview(b"xyz")[1:]) == 2
    assert ring.write(b"") == 0
    words = array.array("H", [0, 0])
    assert ring.read_into(words) == 4
    assert list(words) == [1, 2]
    with pytest.raises(TypeError):
        ring.read_into(b"readonly")
    with pytest.raises(TypeError):
        ring.write("text")
    with pytest.raises(TypeError):
        ring.write(memoryview(b"abcd")[::2])
    assert ring.read(10) == array.array("H", [3]).tobytes() + b"yz"


@pair("ring_buffer")
def test_a_sum_goes_across_the_seam(m: ModuleType, make: Any) -> None:
    ring = m.RingBuffer(16, 12)
    for step in range(7, 40, 3):
        data = bytes(range(step, step + 9))
        assert ring.write(data) == 9
        s = make(12)
        total = ring.peek_sum(ring.head, s, 3, 9, 0x1234)
        assert bytes(s.view) == b"\0\0\0" + data
        words = sum(int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big") for i in range(0, 9, 2))
        assert total == (words + 0x1234) % 0xFFFF
        assert ring.discard(9) == 9


@pair("ring_buffer")
def test_what_is_written_ahead_is_summed_on_its_way_across_the_seam(m: ModuleType, make: Any) -> None:
    ring = m.RingBuffer(16, 12)
    for step in range(7, 40, 3):
        s = make(12)
        s.view[3:] = data = bytes(range(step, step + 9))
        words = sum(int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big") for i in range(0, 9, 2))
        assert ring.write_sum(ring.tail, s, 3, 9, 0x1234) == (words + 0x1234) % 0xFFFF
        assert ring.used() == 0
        assert not ring.advance(9)  # it does not count yet
        ring.grow_tail(9)
        assert ring.read(20) == data
    assert ring.write_sum(ring.tail - 1, s, 0, 3, 0) == -1
    assert ring.write_sum(ring.tail, s, 0, 0, 0) == -1
    assert ring.write_sum(ring.tail + 10, s, 0, 7, 0) == -1
