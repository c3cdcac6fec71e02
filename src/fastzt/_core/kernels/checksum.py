"""The one's complement sum when interpreted: the data as one integer modulo 0xffff."""

from __future__ import annotations

from ..slab import Slab


def sum_data(data: bytes, initial: int) -> int:
    """The sum of big-endian words (an odd byte is the high one) and `initial`, 16 bits."""
    total = int.from_bytes(data, "big") << 8 * (len(data) & 1)
    total += initial
    # Every 2^16 is one here; only a true zero sums up to 0, all other multiples of 0xffff are 0xffff.
    return (total - 1) % 0xFFFF + 1 if total else 0


def sum_range(s: Slab, o: int, n: int, initial: int) -> int:
    """The sum over slab[o : o + n]."""
    return sum_data(bytes(s.view[o : o + n]), initial)


def copy_range(t: Slab, to: int, s: Slab, o: int, n: int, initial: int) -> int:
    """The same while it is copied."""
    t.view[to : to + n] = s.view[o : o + n]
    return sum_range(s, o, n, initial)


def setup() -> None:
    """Nothing to choose."""
