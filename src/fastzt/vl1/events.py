"""What VL1 reports: frozen records, drained by Switch.events()."""

from __future__ import annotations

from dataclasses import dataclass

from .._core.endpoint import Endpoint


@dataclass(frozen=True)
class PeerSeen:
    """An identity became known; `address` is its 40-bit address."""

    address: int


@dataclass(frozen=True)
class PathChanged:
    """The direct path to a peer is now `endpoint`, or None: its packets go through a root."""

    address: int
    endpoint: Endpoint | None


@dataclass(frozen=True)
class Online:
    """A root answers."""


@dataclass(frozen=True)
class Offline:
    """No root has answered for a minute."""


@dataclass(frozen=True)
class UdpSilent:
    """No root has answered over UDP for 10 s: where UDP is blocked only a TCP relay helps."""


@dataclass(frozen=True)
class UdpAnswered:
    """A root answers over UDP again."""


@dataclass(frozen=True)
class IdentityCollision:
    """A root says that another identity owns our address: this identity cannot be used (ERROR 04)."""

    address: int


@dataclass(frozen=True)
class PlanetChanged:
    """A root handed out a newer planet, signed by the held one's key; `world` is its serialized form."""

    world: bytes


@dataclass(frozen=True)
class MoonChanged:
    """A moon that was wanted has been found, or a newer one has come; `world` is its serialized form."""

    id: int
    world: bytes


@dataclass(frozen=True)
class BugSurvived:
    """An error of fastzt's own cost packets that had arrived: please report it. Each place is told once.

    Packets lost to any of them are counted as vl1.raised.
    """

    error: str
    place: str


Event = (
    PeerSeen
    | PathChanged
    | Online
    | Offline
    | UdpSilent
    | UdpAnswered
    | IdentityCollision
    | PlanetChanged
    | MoonChanged
    | BugSurvived
)
