"""Program: a rule list decoded once into fixed-size records, for evaluation without allocating."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._core.slab import Slab
from ..wire.rules import Kind, Rule
from .verdicts import is_per_packet

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.access import put_be16, put_be64, put_u8

    # One record: kind, flags, one small and four 64-bit arguments.
    RECORD = 40
    KIND = 0
    FLAGS = 1
    SMALL = 2
    FIRST = 8
    SECOND = 16
    THIRD = 24
    FOURTH = 32
    NEGATED = 1
    ALTERNATIVE = 2
    PER_PACKET = 4

ALL_BITS = 0xFFFFFFFFFFFFFFFF
LOW_32 = 0xFFFFFFFF


class Program:
    """`count` records of RECORD bytes in `slab`."""

    if not cython.compiled:
        __slots__ = ("count", "slab")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.count = len(rules)
        self.slab = Slab(max(1, self.count) * RECORD)
        for i, rule in enumerate(rules):
            write_record(self.slab, i * RECORD, rule)


def write_record(slab: Slab, o: int, rule: Rule) -> None:
    """Lay one rule out at `o`."""
    small, wide = operands(rule)
    flags = (NEGATED if rule.negated else 0) | (ALTERNATIVE if rule.alternative else 0)
    put_u8(slab, o + KIND, rule.kind)
    put_u8(slab, o + FLAGS, flags | (PER_PACKET if is_per_packet(rule) else 0))
    put_be16(slab, o + SMALL, small)
    for i, value in enumerate(wide):
        put_be64(slab, o + FIRST + 8 * i, value)


def operands(rule: Rule) -> tuple[int, tuple[int, ...]]:
    """The 16-bit argument and up to four 64-bit ones that the evaluator reads for this kind."""
    a = rule.arguments
    kind = rule.kind
    if kind in (Kind.ACTION_TEE, Kind.ACTION_WATCH, Kind.ACTION_REDIRECT):
        return a[2], (a[0],)
    if kind == Kind.INTEGER_RANGE:
        # The reference keeps the width of the range in 32 bits.
        return a[2], (a[0], (a[0] + ((a[1] - a[0]) & LOW_32)) & ALL_BITS, (a[3] & 0x3F) + 1, a[3] >> 7)
    if kind in (Kind.MATCH_IPV4_SOURCE, Kind.MATCH_IPV4_DEST):
        mask = prefix_mask(32, a[1])
        return 0, (int.from_bytes(a[0], "big") & mask, mask)
    if kind in (Kind.MATCH_IPV6_SOURCE, Kind.MATCH_IPV6_DEST):
        address, mask = int.from_bytes(a[0], "big"), prefix_mask(128, a[1])
        return 0, (address >> 64, address & ALL_BITS, mask >> 64, mask & ALL_BITS)
    if any(isinstance(value, bytes) for value in a):
        return 0, (int.from_bytes(a[0][:8], "big"),)
    return 0, a


def prefix_mask(width: int, bits: int) -> int:
    """`bits` ones followed by zeros; more bits than the width count as the width."""
    bits = min(bits, width)
    return ((1 << bits) - 1) << (width - bits)
