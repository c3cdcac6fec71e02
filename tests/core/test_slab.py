"""A slab's bytes begin as zeros and are shared by all views of it, wherever its memory comes from."""

from __future__ import annotations

import mmap

import pytest

from fastzt._core import slab as slabs
from fastzt._core.access import be32, put_be32, put_bytes, take
from fastzt._core.slab import LARGE, Slab

SIZES = [1, 64, 4096, LARGE - 1, LARGE, LARGE + 1, 5 * LARGE + 12345]


@pytest.mark.parametrize("size", SIZES)
def test_every_view_sees_the_same_bytes(size: int) -> None:
    slab = Slab(size)
    assert (slab.size, len(slab.view), len(slab.buffer)) == (size, size, size)
    assert bytes(slab.view) == bytes(size)
    slab.view[size - 1] = 7
    assert take(slab, size - 1, 1) == b"\7"
    put_bytes(slab, 0, b"x")
    assert slab.buffer[0] == slab.view[0] == ord("x")


def test_a_large_one_is_a_mapping_that_nothing_shares() -> None:
    first, second = Slab(LARGE), Slab(LARGE)
    put_be32(first, LARGE - 4, 0xDEADBEEF)
    assert be32(first, LARGE - 4) == 0xDEADBEEF
    assert be32(second, LARGE - 4) == 0
    assert isinstance(first.buffer, mmap.mmap)
    assert isinstance(Slab(LARGE - 1).buffer, bytearray)


@pytest.mark.parametrize("size", [64, LARGE])
def test_it_never_moves(size: int) -> None:
    slab = Slab(size)
    with pytest.raises((BufferError, ValueError)):
        slab.buffer.clear() if isinstance(slab.buffer, bytearray) else slab.buffer.close()
    assert bytes(slab.view) == bytes(size)


def test_the_heap_serves_when_there_are_no_mappings(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError("no mappings left")

    monkeypatch.setattr(slabs.mmap, "mmap", refuse)
    slab = Slab(LARGE)
    assert isinstance(slab.buffer, bytearray)
    assert bytes(slab.view) == bytes(LARGE)
