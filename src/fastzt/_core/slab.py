"""Slab: a fixed piece of memory that packets live in, addressed by offsets.

Hot code passes (slab, offset, length) instead of slices: compiled it reads through a pointer, interpreted
through the bytearray, and neither makes an object per packet. `_core.access` reads and writes fields.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython


LARGE = 1 << 18  # bytes from which on a slab is a mapping of its own
PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}


class Slab:
    """`size` zeroed bytes that never move: `buffer` (bytearray or mmap) and `view` (memoryview of it)."""

    if not cython.compiled:
        __slots__ = ("buffer", "p", "size", "view")  # p: the compiled build's pointer to the bytes

    def __init__(self, size: int) -> None:
        self.buffer = mapped(size) if size >= LARGE else bytearray(size)
        # The view pins the buffer: while it exists, resizing raises and the pointer stays valid.
        self.view = memoryview(self.buffer)
        self.size = size
        if cython.compiled:
            self.p = address_of(self.view)  # type: ignore[name-defined]  # noqa: F821


def mapped(size: int) -> bytearray | mmap.mmap:
    """Memory that goes back to the system as soon as it is freed; raises MemoryError.

    From the heap, the rings of ended flows would leave holes between small objects that live on.
    """
    try:
        return mmap.mmap(-1, size, **PRIVATE)
    except OSError:  # out of mappings: the heap may have room yet
        return bytearray(size)


def is_compiled() -> bool:
    """Tell whether the compiled modules are in use."""
    return bool(cython.compiled)
