"""Copies between a slab and whatever has the buffer protocol, for interpreted modules."""

from __future__ import annotations

from typing import Any

from ..slab import Slab


def size_of(buffer: Any, writable: bool = False) -> int:
    """Bytes of a contiguous buffer; TypeError for anything else, or when it should be writable and is not."""
    view = memoryview(buffer).cast("B")
    if writable and view.readonly:
        raise TypeError("a writable buffer is needed")
    return view.nbytes


def copy_in(slab: Slab, offset: int, buffer: Any, start: int, n: int) -> None:
    """Copy `n` bytes from `start` of a buffer into a slab."""
    slab.view[offset : offset + n] = memoryview(buffer).cast("B")[start : start + n]


def copy_out(slab: Slab, offset: int, buffer: Any, start: int, n: int) -> None:
    """Copy `n` bytes of a slab to `start` of a writable buffer."""
    memoryview(buffer).cast("B")[start : start + n] = slab.view[offset : offset + n]
