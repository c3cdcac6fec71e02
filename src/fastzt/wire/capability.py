"""Capability: rules that a member may use besides the network's, and who gave it them (PROTOCOL-VL2 4.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from .reader import Malformed, Reader
from .signed import framed, read_signature, signature_field, skip_extra
from .writer import Writer

MAX_RULES = 64
MAX_CUSTODY = 7


class Custody(NamedTuple):
    """One hand-over; the signature (96 bytes) covers the capability, not who hands it to whom."""

    to: int
    giver: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Capability:
    """`timestamp` in ms (signed), `rules` in their wire form, hand-overs in order."""

    nwid: int
    timestamp: int
    id: int
    rules: bytes
    max_custody: int = 1
    custody: tuple[Custody, ...] = ()

    @classmethod
    def read(cls, reader: Reader) -> Capability:
        """Take one off a reader; Malformed also for more rules or hand-overs than there may be."""
        nwid, timestamp, own_id = reader.u64(), reader.i64(), reader.u32()
        rules = read_rules(reader, reader.u16(), MAX_RULES)
        max_custody = reader.u8()
        custody: list[Custody] = []
        while to := reader.address():
            if len(custody) >= min(max_custody, MAX_CUSTODY):
                raise Malformed("more hand-overs than allowed", reader.offset - 5)
            custody.append(Custody(to, reader.address(), read_signature(reader)))
        skip_extra(reader)
        return cls(nwid, timestamp, own_id, rules, max_custody, tuple(custody))

    @classmethod
    def parse(cls, data: bytes) -> Capability:
        """From exactly one serialized capability; raises Malformed."""
        reader = Reader(data)
        capability = cls.read(reader)
        reader.finish()
        return capability

    def to_bytes(self) -> bytes:
        """The serialized capability."""
        out = Writer().raw(self._body())
        for to, giver, signature in self.custody:
            out.address(to).address(giver).raw(signature_field(signature))
        return out.address(0).u16(0).to_bytes()

    @property
    def signed_bytes(self) -> bytes:
        """What each signature covers."""
        return framed(self._body())

    @property
    def rule_count(self) -> int:
        """How many rules there are."""
        return count_rules(self.rules)

    @property
    def issued_to(self) -> int:
        """Who holds it: the last hand-over's receiver, 0 without one."""
        return self.custody[-1].to if self.custody else 0

    def handed(self, to: int, giver: int, signature: bytes) -> Capability:
        """The same with one more hand-over, signed (96 bytes) by the giver."""
        return replace(self, custody=(*self.custody, Custody(to, giver, signature)))

    def _body(self) -> bytes:
        out = Writer().u64(self.nwid).i64(self.timestamp).u32(self.id).u16(self.rule_count)
        return out.raw(self.rules).u8(self.max_custody).to_bytes()


def read_rules(reader: Reader, count: int, limit: int) -> bytes:
    """Take `count` rules off a reader as they are (type, length, arguments); Malformed above `limit`."""
    if count > limit:
        raise reader.fail(f"{count} rules")
    start = reader.offset
    for _ in range(count):
        reader.u8()
        reader.skip(reader.u8())
    return reader.data[start : reader.offset]


def count_rules(rules: bytes) -> int:
    """The number of rules in their wire form; Malformed when the last is cut."""
    reader, count = Reader(rules), 0
    while reader.remaining:
        reader.u8()
        reader.skip(reader.u8())
        count += 1
    return count
