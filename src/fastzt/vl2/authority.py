"""Authority: what the controller role offers to the networks of the same node (PROTOCOL-VL2 8)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..vl1.packet import Packet
    from ..vl1.peer import Peer


class Authority(ABC):
    """Answers config requests for the networks whose controller this node is."""

    @abstractmethod
    def controls(self, nwid: int) -> bool:
        """Whether the controller part of the network id is this node's address."""

    @abstractmethod
    def request(self, peer: Peer, packet: Packet, nwid: int, metadata: bytes, now: int) -> None:
        """A NETWORK_CONFIG_REQUEST of a peer: answered through the switch, or not at all."""

    @abstractmethod
    def configure(self, nwid: int, metadata: bytes, now: int) -> bytes | int:
        """For our own membership: the config dictionary, or an error code of PROTOCOL-VL2 2.6."""

    @abstractmethod
    def configured_recently(self, nwid: int, address: int, now: int) -> bool:
        """Whether the member got a config within 180 s, so that its LIKEs and GATHERs count."""
