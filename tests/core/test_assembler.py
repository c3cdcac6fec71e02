"""Assembler: SACK blocks in the order of RFC 2018, and the cap on runs."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from support.pair import pair


@pair("assembler")
def test_blocks_are_latest_first(m: ModuleType, make: Any) -> None:
    """RFC 2018 4: the first block is the one that the segment which triggered the ACK belongs to."""
    a = m.Assembler(5000)
    for start in (5500, 6500, 7500, 8500, 9500):
        assert a.add(start, start + 500)
    assert a.blocks(4) == [(9500, 10000), (8500, 9000), (7500, 8000), (6500, 7000)]
    assert a.add(6000, 6500)  # joins the first two
    assert a.blocks(3) == [(5500, 7000), (9500, 10000), (8500, 9000)]
    assert a.add(5000, 5500)
    assert (a.contiguous(), a.highest()) == (7000, 10000)
    assert a.blocks(9) == [(9500, 10000), (8500, 9000), (7500, 8000)]
    assert a.blocks(0) == a.blocks(-1) == []


@pair("assembler")
def test_a_full_assembler_still_takes_what_is_in_order(m: ModuleType, make: Any) -> None:
    a = m.Assembler(0, 64)
    assert all(a.add(10 * i, 10 * i + 5) for i in range(1, 65))
    assert not a.add(10_000, 10_001)
    assert not a.add(1, 2)
    assert a.refused == 2
    assert a.add(640, 650)  # part of it is there: it only makes a run longer
    assert a.add(15, 20)  # joins two runs, which frees one
    assert a.add(10_000, 10_001)
    assert a.add(0, 10)
    assert (a.contiguous(), a.count) == (25, 63)
    assert a.add(0, 20_000)
    assert (a.contiguous(), a.runs(), a.highest()) == (20_000, [], 20_000)


@pair("assembler")
def test_what_is_old_or_empty_changes_nothing(m: ModuleType, make: Any) -> None:
    a = m.Assembler(100)
    assert a.add(0, 100)
    assert a.add(300, 300)
    assert a.add(300, 200)
    assert (a.contiguous(), a.runs()) == (100, [])
    assert a.add(50, 120)
    assert a.contiguous() == 120


@pair("assembler")
def test_a_stream_in_order_takes_no_memory_for_runs(m: ModuleType, make: Any) -> None:
    a = m.Assembler()
    for i in range(100):
        assert a.add(i * 10, i * 10 + 10)
    assert (a.contiguous(), a.runs()) == (1000, [])
    assert sys.getsizeof(a) <= 256


@pair("assembler")
def test_every_other_segment_of_a_long_path_lost(m: ModuleType, make: Any) -> None:
    a = m.Assembler()
    assert all(a.add(10 * i, 10 * i + 5) for i in range(1, 4097))
    assert not a.add(50_000, 50_001)
    assert a.blocks(4) == [(40_960 - 10 * i, 40_965 - 10 * i) for i in range(4)]
    assert all(a.add(10 * i + 5, 10 * i + 10) for i in range(4096, 0, -1))
    assert a.runs() == [(10, 40_970)]
    assert a.add(0, 10)
    assert (a.contiguous(), a.count, a.refused) == (40_970, 0, 1)


@pair("assembler")
def test_holds_knows_what_has_arrived(m: ModuleType, make: Any) -> None:
    a = m.Assembler(100)
    a.add(200, 300)
    assert a.holds(50, 100)
    assert a.holds(200, 300)
    assert a.holds(250, 260)
    for start, end in ((50, 101), (199, 300), (200, 301), (120, 130), (400, 500)):
        assert not a.holds(start, end)
