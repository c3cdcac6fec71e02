"""CredentialsPush: shows our credentials to peers, and asks for theirs (PROTOCOL-VL2 4.8, 4.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..vl1.peer import Peer
from ..vl1.rate_gate import TokenBucket
from ..vl1.switch import Switch
from .member import Member

if TYPE_CHECKING:
    from collections.abc import Sequence

    import cython

    from ..wire.capability import Capability
    from ..wire.network_config import NetworkConfig
    from ..wire.ownership import Ownership
    from ..wire.tag import Tag

    Credential = Capability | Tag | Ownership
else:
    from .. import _cython as cython

if not cython.compiled:
    NETWORK_CREDENTIALS = 0x0A
    ERROR = 0x02
    NEED_MEMBERSHIP_CERTIFICATE = 0x06
    GATE = 1_000_000  # one credentials packet, and one ERROR 06, a second and peer
    REPUSH = 500_000_000  # after this long a peer may have forgotten them

ANSWERS_BURST = 4  # a peer may be started several times in a row, as commands are
MAX_PAYLOAD = 9_800  # what seven VL1 fragments carry, with room to spare


class CredentialsPush:
    """`parts`: the payloads that hold all our credentials; `serial` counts their versions."""

    if not cython.compiled:
        __slots__ = ("nwid", "parts", "serial", "switch")

    def __init__(self, switch: Switch, nwid: int) -> None:
        self.switch = switch
        self.nwid = nwid
        self.serial = 0
        self.parts: list[bytes] = []

    def build(self, config: NetworkConfig) -> None:
        """Take the credentials of a new config: every peer gets them before our next frame to it."""
        self.parts = payloads(config)
        self.serial += 1

    def is_due(self, member: Member, now: int) -> bool:
        """Whether the member must be shown credentials before the next frame, and may be."""
        since = now - member.last_push
        if member.pushed_serial == self.serial and member.pushed_parts >= len(self.parts) and since < REPUSH:
            return False
        return since >= GATE and len(self.parts) > 0

    def push(self, address: int, member: Member, now: int) -> None:
        """Send what is due, if anything."""
        if self.is_due(member, now):
            self.switch.send(address, NETWORK_CREDENTIALS, self.next_part(member, now), now, compress=True)

    def next_part(self, member: Member, now: int) -> bytes:
        """The packet that is due, taken for sent: the COM first; a long list continues a second later."""
        if member.pushed_serial != self.serial or member.pushed_parts >= len(self.parts):
            member.pushed_serial = self.serial
            member.pushed_parts = 0
        part = self.parts[member.pushed_parts]
        member.pushed_parts += 1
        member.last_push = now
        return part

    def demanded(self, address: int, member: Member, now: int) -> bool:
        """An ERROR 06: show them again, a few times at once and then once a second. False: nothing to show.

        Even right after a push: the peer has lost it, or has been started anew, and its gate is open.
        """
        if not self.parts:
            return False
        if member.answers is None:
            member.answers = TokenBucket(ANSWERS_BURST, 1, now)
        if member.answers.take(now):
            member.pushed_serial = 0
            self.switch.send(address, NETWORK_CREDENTIALS, self.next_part(member, now), now, compress=True)
        return True

    def complain(self, peer: Peer, member: Member, verb: int, packet_id: int, now: int) -> None:
        """Send ERROR 06 about a packet of a peer that has not shown membership, at most once a second."""
        if now - member.complained_at >= GATE:
            member.complained_at = now
            head = bytes([verb]) + int(packet_id).to_bytes(8, "big")
            body = bytes([NEED_MEMBERSHIP_CERTIFICATE]) + int(self.nwid).to_bytes(8, "big")
            self.switch.send(peer.address, ERROR, head + body, now)


def payloads(config: NetworkConfig) -> list[bytes]:
    """NETWORK_CREDENTIALS payloads with all credentials of a config; the COM is in the first."""
    com = config.com.to_bytes() if config.com is not None else b""
    sections: list[list[bytes]] = [[], [], []]
    size = len(com)
    made: list[bytes] = []
    lists: tuple[Sequence[Credential], ...] = (config.capabilities, config.tags, config.ownerships)
    for i, items in enumerate(lists):
        for data in [item.to_bytes() for item in items]:
            if size + len(data) > MAX_PAYLOAD:
                made.append(payload(com, sections))
                com, sections, size = b"", [[], [], []], 0
            sections[i].append(data)
            size += len(data)
    if com or any(sections):
        made.append(payload(com, sections))
    return made


def payload(com: bytes, sections: list[list[bytes]]) -> bytes:
    """COM, then capabilities, tags, no revocations, ownerships."""
    capabilities, tags, ownerships = (len(s).to_bytes(2, "big") + b"".join(s) for s in sections)
    return com + b"\0" + capabilities + tags + b"\0\0" + ownerships
