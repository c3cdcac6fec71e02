"""NATs of the bench: how they map and what they let in (RFC 4787), with mappings that time out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from fastzt._core.endpoint import Endpoint
from fastzt.vl1.timing import SECOND

TIMEOUT = 30 * SECOND  # of a mapping that nothing goes out by
FIRST_PORT = 20_000


class Kind(Enum):
    """The NATs told apart by whether two nodes behind them can meet."""

    NONE = "no NAT"
    FULL_CONE = "full cone"
    PORT_RESTRICTED = "port-restricted"
    SYMMETRIC = "symmetric"
    ONE_TO_ONE = "1:1"


@dataclass
class Nat:
    """One NAT with one public IP; `inside` are the IPs behind it."""

    kind: Kind
    public: bytes
    inside: set[bytes]
    mappings: dict[tuple[Endpoint, Endpoint | None], Endpoint] = field(default_factory=dict)
    permitted: dict[tuple[Endpoint, Endpoint], int] = field(default_factory=dict)
    used: dict[Endpoint, int] = field(default_factory=dict)
    next_port: int = FIRST_PORT

    def outward(self, source: Endpoint, target: Endpoint, now: int) -> Endpoint:
        """What the source of a datagram that leaves becomes."""
        if self.kind is Kind.ONE_TO_ONE:
            return Endpoint(self.public, source.port)
        key = (source, target if self.kind is Kind.SYMMETRIC else None)
        mapped = self.mappings.get(key)
        if mapped is None or now - self.used[mapped] >= TIMEOUT:
            mapped = self.mappings[key] = Endpoint(self.public, self.next_port)
            self.next_port += 1
        self.used[mapped] = self.permitted[mapped, target] = now
        return mapped

    def inward(self, source: Endpoint, target: Endpoint, now: int) -> Endpoint | None:
        """Where a datagram that comes to the public IP goes; None: dropped."""
        if self.kind is Kind.ONE_TO_ONE:
            return Endpoint(next(iter(self.inside)), target.port)
        inner = next((key[0] for key, mapped in self.mappings.items() if mapped == target), None)
        if inner is None or now - self.used[target] >= TIMEOUT:
            return None
        if (
            self.kind is not Kind.FULL_CONE
            and now - self.permitted.get((target, source), -TIMEOUT) >= TIMEOUT
        ):
            return None
        return inner
