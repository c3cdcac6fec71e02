"""32-bit serial number arithmetic (RFC 1982, RFC 9293 3.4): sequence numbers compare modulo 2**32."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython


def diff(a: int, b: int) -> int:
    """How far `a` lies ahead of `b`: -2**31 to 2**31 - 1."""
    if cython.compiled:
        return a - b  # unsigned 32-bit arithmetic wraps, and so does the signed result
    else:
        return ((a - b + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def add(a: int, n: int) -> int:
    """The sequence number `n` (which may be negative) after `a`."""
    if cython.compiled:
        return a + n
    else:
        return (a + n) & 0xFFFFFFFF


def lt(a: int, b: int) -> bool:
    """Whether `a` comes before `b`."""
    return diff(a, b) < 0


def leq(a: int, b: int) -> bool:
    """Whether `a` comes before `b` or is `b`."""
    return diff(a, b) <= 0


def between(low: int, x: int, high: int) -> bool:
    """Whether low <= x < high in serial order, for a range shorter than 2**31."""
    return diff(x, low) >= 0 and diff(x, high) < 0


def unwrap(sequence: int, near: int) -> int:
    """The 64-bit stream position closest to `near` whose low 32 bits are `sequence`."""
    if cython.compiled:
        return near + diff(sequence, near)
    else:
        return near + diff(sequence, near & 0xFFFFFFFF)
