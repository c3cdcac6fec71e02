"""The Ethernet frame inside of a VL1 packet (PROTOCOL-VL2 5, 6)."""

from __future__ import annotations

from ...wire.address import mac_of
from ...wire.frame import ExtFrame, Frame
from ...wire.multicast import MulticastFrame
from ...wire.reader import Malformed
from ...wire.verbs import Verb
from .sight import Sight


def ethernet(sight: Sight) -> tuple[int, bytes] | None:
    """The network of a packet's frame, and the frame with its Ethernet header; None when it has none."""
    if not sight.is_open or sight.verb not in (Verb.FRAME, Verb.EXT_FRAME, Verb.MULTICAST_FRAME):
        return None
    try:
        payload = sight.payload()
        if sight.verb == Verb.FRAME:
            return from_frame(sight, Frame.parse(payload))
        if sight.verb == Verb.EXT_FRAME:
            ext = ExtFrame.parse(payload)
            return ext.nwid, joined(ext.destination, ext.source, ext.ethertype, ext.data)
        group = MulticastFrame.parse(payload)
        source = group.source if group.source is not None else mac_of(sight.source, group.nwid)
        return group.nwid, joined(group.mac, source, group.ethertype, group.data)
    except Malformed:
        return None


def from_frame(sight: Sight, frame: Frame) -> tuple[int, bytes]:
    """A plain frame is from and to the MACs that derive from the two addresses."""
    destination, source = mac_of(sight.destination, frame.nwid), mac_of(sight.source, frame.nwid)
    return frame.nwid, joined(destination, source, frame.ethertype, frame.data)


def joined(destination: int, source: int, ethertype: int, data: bytes) -> bytes:
    """Header and payload."""
    return destination.to_bytes(6, "big") + source.to_bytes(6, "big") + ethertype.to_bytes(2, "big") + data
