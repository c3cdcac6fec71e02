"""Slab: a fixed piece of memory that packets live in, addressed by offsets.

Hot code passes (slab, offset, length) instead of slices: compiled it reads through a pointer, interpreted
through the bytearray, and neither makes an object per packet. `_core.access` reads and writes fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython


class Slab:
    """`size` zeroed bytes that never move: `buffer` (bytearray) and `view` (memoryview of it)."""

    if not cython.compiled:
        __slots__ = ("buffer", "p", "size", "view")  # p: the compiled build's pointer to the bytes

    def __init__(self, size: int) -> None:
        self.buffer = bytearray(size)
        # The view pins the buffer: while it exists, resizing raises and the pointer stays valid.
        self.view = memoryview(self.buffer)
        self.size = size
        if cython.compiled:
            self.p = self.buffer


def is_compiled() -> bool:
    """Tell whether the compiled modules are in use."""
    return bool(cython.compiled)
