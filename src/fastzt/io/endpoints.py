"""UdpSockets: the node's UDP sockets, from which whole messages are drained and into which runs are sent.

Nothing here waits, and nothing that a remote or a route does raises: it is counted in `stats`.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .._core.datagram_batch import DatagramBatch, TransmitBatch
from .._core.endpoint import Endpoint, LocalSocket
from .._core.stats import Stats, register
from .._core.udp_socket import UdpSocket
from .binding import bind_all
from .capabilities import (
    UNREACHABLE,
    Capabilities,
    can_segment,
    enable_coalescing,
    enable_overflow_count,
    raise_buffers,
    route_payload,
)
from .interfaces import Address
from .tunnel import Tunnel

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

RECEIVE_BUFFER = 4 << 20
SEND_BUFFER = 1 << 20
MAX_TOO_BIG = 64  # reports kept until take_too_big

UNREACHABLE_DROP = register("io.unreachable")
SEND_ERROR = register("io.send_error")
TOO_BIG = register("io.too_big")
NO_SOCKET = register("io.no_socket")
SEGMENT_OFF = register("io.segmentation_given_up", drop=False)

# The error may be of an earlier datagram (ICMP): the same send can do at the second try.
_STALE = (errno.ECONNREFUSED, errno.ECONNRESET)
_WOULD_BLOCK = (errno.EAGAIN, errno.EWOULDBLOCK)


def equip(number: int, sock: socket.socket, stats: Stats, make: Callable[..., UdpSocket]) -> UdpSocket:
    """Turn on what the system offers for a bound socket."""
    coalesce = hasattr(sock, "recvmsg_into") and enable_coalescing(sock)
    if coalesce:
        enable_overflow_count(sock)
    segment = hasattr(sock, "sendmsg") and can_segment(sock)
    return make(number, sock, stats, segment=segment, coalesce=coalesce)


class UdpSockets:
    """The sockets by number; `port` is the first one's, `capabilities` what all of them can do."""

    if not cython.compiled:
        __slots__ = (
            "_blocked",
            "_resume",
            "_too_big",
            "_turn",
            "capabilities",
            "port",
            "sockets",
            "stats",
            "tunnel",
        )

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        make: Callable[..., UdpSocket] = UdpSocket,
        receive_buffer: int | None = None,
    ) -> None:
        if not sockets:
            raise ValueError("no sockets")
        buffers = [raise_buffers(sock, RECEIVE_BUFFER, SEND_BUFFER, receive_buffer) for sock in sockets]
        self.stats = Stats()
        self.sockets = [equip(number, sock, self.stats, make) for number, sock in enumerate(sockets)]
        self.port: int = self.sockets[0].endpoint.port
        self.capabilities = Capabilities(
            segment=all(s.segment for s in self.sockets),
            coalesce=all(s.coalesce for s in self.sockets),
            receive_buffer=min(receive for receive, _ in buffers),
            send_buffer=min(send for _, send in buffers),
        )
        self.tunnel: Tunnel | None = None
        self._too_big: list[tuple[int, Endpoint, int]] = []
        self._blocked: UdpSocket | None = None
        self._resume = 0  # bytes of the run being sent that have left
        self._turn = 0  # the socket that the next drain begins with

    @classmethod
    def open(
        cls,
        port: int = 0,
        bind: Sequence[str] = (),
        *,
        fixed: bool = False,
        receive_buffer: int | None = None,
        secondary: int | None = None,
    ) -> UdpSockets:
        """Bind one socket for each IP of `bind` (none: every IPv4 and IPv6 address), all on one port.

        A `port` that is taken is an OSError when `fixed`, else another one is chosen; 0 chooses. `secondary`:
        bind as many sockets again, on that port or another one, for NATs and filters that dislike the first.
        `receive_buffer` limits SO_RCVBUF, in bytes as the system counts them.
        """
        sockets = bind_all(port, bind, fixed)
        try:
            sockets += bind_all(secondary, bind, False) if secondary is not None else []
            return cls(sockets, receive_buffer=receive_buffer)
        except OSError:
            for sock in sockets:
                sock.close()
            raise

    def local(self) -> list[LocalSocket]:
        """The sockets as the core knows them: number and bound endpoint."""
        found = [LocalSocket(s.number, s.endpoint) for s in self.sockets]
        if self.tunnel is not None and self.tunnel.is_up:
            found.append(LocalSocket(self.tunnel.number, Endpoint(bytes(4), 0), True))
        return found

    def is_everywhere(self) -> bool:
        """Whether a socket is bound to every address of its family."""
        return any(not any(s.endpoint.packed) for s in self.sockets)

    def reachable_at(self, addresses: Sequence[Address]) -> list[Endpoint]:
        """Where other hosts may reach sockets that are bound to every address, which are these."""
        return [
            Endpoint(address.ip, s.endpoint.port)
            for s in self.sockets
            for address in addresses
            if not any(s.endpoint.packed) and address.is_v4 == s.endpoint.is_v4 and address.is_reachable
        ]

    def filenos(self) -> list[int]:
        """The descriptors to watch for arriving datagrams."""
        return [s.fileno() for s in self.sockets]

    def blocked(self) -> list[int]:
        """The descriptors to watch for room to send, after a `send` that did not send all."""
        return [] if self._blocked is None else [self._blocked.fileno()]

    def take_too_big(self) -> list[tuple[int, Endpoint, int]]:
        """(socket, endpoint, bytes) of datagrams that did not fit their route since the last call."""
        found = self._too_big
        if found:
            self._too_big = []
        return found

    def close(self) -> None:
        """Close the sockets. Harmless when repeated."""
        for s in self.sockets:
            s.close()

    # -- in

    def drain(self, batch: DatagramBatch, max_messages: int) -> int:
        """Append up to `max_messages` messages to the batch, from each socket in turn; how many."""
        before = batch.count
        offset = batch.offset[before - 1] + batch.length[before - 1] if before else 0
        count = len(self.sockets)
        first = self._turn
        self._turn = (first + 1) % count
        for i in range(count):
            left = max_messages - (batch.count - before)
            if left <= 0:
                break
            # The sockets behind this one get at least one message each, whatever arrives here.
            s = self.sockets[(first + i) % count]
            offset = s.drain(batch, max(left - (count - 1 - i), 1), offset)
        return batch.count - before

    # -- out

    def send(self, out: TransmitBatch, first: int = 0) -> int:
        """Send the runs from number `first` on; the first that has not left whole (`out.count`: all have).

        Less than `out.count`: its socket has no room now; call again with that number when it has.
        """
        self._blocked = None
        for i in range(max(first, 0), out.count):
            s = self._carrier(out, i)
            if s is None:
                if self.tunnel is not None and out.socket[i] == self.tunnel.number:
                    self.tunnel.send(out, i)
                else:
                    self.stats.drop(NO_SOCKET)
                continue
            if not self._send_run(s, out, i):
                self._blocked = s
                return i
            self._resume = 0
        return out.count

    def _carrier(self, out: TransmitBatch, i: int) -> UdpSocket | None:
        """The socket of a run, if there is one and it is of the endpoint's family."""
        number = out.socket[i]
        if not 0 <= number < len(self.sockets):
            return None
        s = self.sockets[number]
        endpoint = out.endpoint[i]
        return s if endpoint.is_v4 == s.endpoint.is_v4 else None

    def _send_run(self, s: UdpSocket, out: TransmitBatch, i: int) -> bool:
        """Send what has not left of run i; False when the socket blocks."""
        length, segment = out.length[i], out.segment[i]
        if s.segment and length - self._resume > segment:
            error = self._try(s, out, i, length - self._resume)
            if error == 0:
                return True
            if error in _WOULD_BLOCK:
                return False
            if not self._segmentation_failed(s, error, segment, out.endpoint[i]):
                return True
        while self._resume < length:
            if not self._send_one(s, out, i, min(segment, length - self._resume)):
                return False
            self._resume += segment
        return True

    def _try(self, s: UdpSocket, out: TransmitBatch, i: int, n: int) -> int:
        """Send the next `n` bytes of run i as one message, again after an error of the past; 0 or errno."""
        error = s.send(out, i, self._resume, n)
        return s.send(out, i, self._resume, n) if error != 0 and error in _STALE else error

    def _segmentation_failed(self, s: UdpSocket, error: int, segment: int, endpoint: Endpoint) -> bool:
        """Judge a segmented send that failed; whether to send its datagrams one by one.

        A segment that does not fit the route is the usual cause: it is reported, so that the path shrinks.
        When a fitting one fails too, the socket sends one by one from now on (EIO: no checksum offload).
        """
        if error not in (errno.EMSGSIZE, errno.EINVAL, errno.EIO):
            self._count_failure(error)
            return False
        fitting = route_payload(endpoint)
        if error == errno.EIO or fitting >= segment:
            s.segment = False
            self.stats.drop(SEGMENT_OFF)
        else:
            self._report(s, endpoint, fitting + 1 if fitting > 0 else segment)
        return True

    def _send_one(self, s: UdpSocket, out: TransmitBatch, i: int, n: int) -> bool:
        """Send one datagram; False when the socket blocks, True when it has left or is lost."""
        error = self._try(s, out, i, n)
        if error == 0:
            return True
        if error in _WOULD_BLOCK:
            return False
        if error == errno.EMSGSIZE:
            fitting = route_payload(out.endpoint[i])
            self._report(s, out.endpoint[i], fitting + 1 if 0 < fitting < n else n)
        else:
            self._count_failure(error)
        return True

    def _count_failure(self, error: int) -> None:
        self.stats.drop(UNREACHABLE_DROP if error in UNREACHABLE else SEND_ERROR)

    def _report(self, s: UdpSocket, endpoint: Endpoint, size: int) -> None:
        """Note that a datagram of `size` bytes does not fit."""
        self.stats.drop(TOO_BIG)
        report = (s.number, endpoint, size)
        if len(self._too_big) < MAX_TOO_BIG and report not in self._too_big:
            self._too_big.append(report)
