"""One message of a UDP socket by the standard library: interpreted, and on systems other than Linux."""

from __future__ import annotations

import errno
import socket
import sys
from typing import TYPE_CHECKING

from ..slab import Slab

if TYPE_CHECKING:
    from ..datagram_batch import TransmitBatch
    from ..udp_socket import UdpSocket

# Linux, include/uapi/linux/udp.h and include/uapi/asm-generic/socket.h; not in the standard library.
SOL_UDP = 17
UDP_SEGMENT = 103
UDP_GRO = 104
SO_RXQ_OVFL = 40


def has_native() -> bool:
    """Whether the build makes system calls without the standard library."""
    return False


def receive(owner: UdpSocket, slab: Slab, offset: int, room: int) -> int:
    """Put the next message at `offset`; its length or the negated errno. `owner` learns the rest."""
    view = slab.view[offset : offset + room]
    owner.stride, owner.truncated, owner.dropped = 0, False, -1
    try:
        if not owner.coalesce:
            n, address = owner.sock.recvfrom_into(view)
        else:
            n, control, flags, address = owner.sock.recvmsg_into([view], owner.control_space)
            note(owner, control, flags)
    except OSError as error:
        return -(error.errno or errno.EIO)
    owner.sender = owner.cache.endpoint(address)
    return n


def note(owner: UdpSocket, control: list[tuple[int, int, bytes]], flags: int) -> None:
    """Keep the segment size and the overflow count."""
    for level, kind, data in control:
        if level == SOL_UDP and kind == UDP_GRO:
            owner.stride = int.from_bytes(data[:4], sys.byteorder)
        elif level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
            owner.dropped = int.from_bytes(data[:4], sys.byteorder)
    # Without its stride a message cannot be cut into datagrams; the overflow count may be lost.
    owner.truncated = bool(flags & socket.MSG_TRUNC or (flags & socket.MSG_CTRUNC and not owner.stride))


def send(owner: UdpSocket, out: TransmitBatch, i: int, start: int, length: int) -> int:
    """Send a part of run i, as one message; 0 or errno."""
    offset, _, segment, _, endpoint = out.run(i)
    view = out.slab.view[offset + start : offset + start + length]
    address = owner.cache.address(endpoint)
    try:
        if length > segment:
            control = [(SOL_UDP, UDP_SEGMENT, segment.to_bytes(2, sys.byteorder))]
            owner.sock.sendmsg([view], control, 0, address)
        else:
            owner.sock.sendto(view, address)
    except OSError as error:
        return error.errno or errno.EIO
    return 0
