"""The clock of a running node: monotonic microseconds, and how wall-clock milliseconds lie to them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    NATIVE = True
    native_ns = time.monotonic_ns


def monotonic_us() -> int:
    """Microseconds of the system's monotonic clock: the `now` of the core."""
    if NATIVE:
        return native_ns() // 1000
    return time.monotonic_ns() // 1000


def wall_offset_ms() -> int:
    """What added to `now // 1000` gives milliseconds since 1970."""
    return time.time_ns() // 1_000_000 - monotonic_us() // 1000
