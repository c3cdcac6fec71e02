"""Which packets we sent may be answered: an OK counts only when it names one of them (PROTOCOL-VL1 3.5)."""

from __future__ import annotations

from .._core.endpoint import Endpoint


class Sent:
    """One packet that may be answered: to whom, when, and for probes to which endpoint."""

    __slots__ = ("address", "answered", "at", "endpoint", "verb")

    def __init__(self, address: int, verb: int, at: int, endpoint: Endpoint | None) -> None:
        self.address = address
        self.verb = verb
        self.at = at
        self.endpoint = endpoint
        self.answered = False


class Replies:
    """The latest packets sent, by their id as on the wire; the oldest is forgotten first.

    Unlike the reference, which matches half of the id and nothing else, an OK must come from the peer that
    was asked, and teaches a path only where the question went: a replayed one from elsewhere changes nothing.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.sent: dict[int, Sent] = {}
        self.evicted = 0

    def add(self, packet_id: int, address: int, verb: int, now: int, endpoint: Endpoint | None) -> None:
        """Remember a packet that has left."""
        if len(self.sent) >= self.limit:
            del self.sent[next(iter(self.sent))]
            self.evicted += 1
        self.sent[packet_id] = Sent(address, verb, now, endpoint)

    def match(self, packet_id: int, address: int) -> Sent | None:
        """The packet that an answer from `address` names, or None."""
        sent = self.sent.get(packet_id)
        return sent if sent is not None and sent.address == address else None
