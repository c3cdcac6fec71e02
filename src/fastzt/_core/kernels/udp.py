"""One message of a UDP socket by the standard library: interpreted, and on systems other than Linux."""

from __future__ import annotations

import errno
import socket
import sys
from typing import TYPE_CHECKING, NamedTuple

from ..endpoint import Endpoint
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


class Received(NamedTuple):
    """A message; `stride` 0: one datagram, `dropped` -1: not told."""

    length: int
    sender: Endpoint
    stride: int = 0
    truncated: bool = False
    dropped: int = -1


def receive(owner: UdpSocket, slab: Slab, offset: int, room: int, slot: int, most: int) -> int:
    """Put the next message at `offset` and `owner.received`, whatever `most` says; 1 or the negated errno."""
    view = slab.view[offset : offset + room]
    try:
        if not owner.coalesce:
            n, address = owner.sock.recvfrom_into(view)
            owner.received = Received(n, owner.cache.endpoint(address))
        else:
            n, control, flags, address = owner.sock.recvmsg_into([view], owner.control_space)
            owner.received = judged(n, owner.cache.endpoint(address), control, flags)
    except OSError as error:
        return -(error.errno or errno.EIO)
    return 1


def judged(n: int, sender: Endpoint, control: list[tuple[int, int, bytes]], flags: int) -> Received:
    """A message with its segment size and the overflow count."""
    stride, dropped = 0, -1
    for level, kind, data in control:
        if level == SOL_UDP and kind == UDP_GRO:
            stride = int.from_bytes(data[:4], sys.byteorder)
        elif level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
            dropped = int.from_bytes(data[:4], sys.byteorder)
    # Without its stride a message cannot be cut into datagrams; the overflow count may be lost.
    truncated = bool(flags & socket.MSG_TRUNC or (flags & socket.MSG_CTRUNC and not stride))
    return Received(n, sender, stride, truncated, dropped)


def length_of(owner: UdpSocket, i: int) -> int:
    """Bytes of the message received."""
    return owner.received.length


def stride_of(owner: UdpSocket, i: int) -> int:
    """Bytes from one of its datagrams to the next."""
    return owner.received.stride


def truncated(owner: UdpSocket, i: int) -> bool:
    """Whether a part of it is missing."""
    return owner.received.truncated


def dropped_of(owner: UdpSocket, i: int) -> int:
    """The kernel's count of drops told with it."""
    return owner.received.dropped


def sender_of(owner: UdpSocket, i: int) -> Endpoint:
    """Where it came from."""
    return owner.received.sender


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
