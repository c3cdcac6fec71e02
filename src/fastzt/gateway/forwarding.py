"""Forwarding: what a list of forwards says, done over one network."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..api import addresses
from ..api.closing import Closing
from ..errors import NoRouteError
from .datagrams import Datagrams
from .forwards import UDP, Forward
from .streams import Streams, connect_here, listen_here

if TYPE_CHECKING:
    from ..api.network import Network
    from ..api.socket import Socket


class Forwarding(Closing):
    """Runs until closed. Raises OSError, InputError when one cannot listen; then none does.

    `report(text)` hears what failed later, on any thread; `timeout` (seconds) bounds each connect.
    """

    def __init__(
        self,
        net: Network,
        forwards: tuple[Forward, ...],
        report: Callable[[str], None],
        timeout: float = 30.0,
    ) -> None:
        self.net = net
        self._timeout = timeout
        self._report = report
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as begun:
            self._streams = begun.enter_context(Streams(report))
            for forward in forwards:
                self._begin(begun, forward)
            self._stack = begun.pop_all()

    def _begin(self, begun: contextlib.ExitStack, forward: Forward) -> None:
        if forward.protocol == UDP:
            front: Any = (
                self.net.udp(forward.port, forward.bind)
                if forward.exposes
                else udp_here(forward.bind, forward.port)
            )
            back = self._udp_here if forward.exposes else self._udp_there
            begun.enter_context(Datagrams(front, lambda: back(forward), self._report))
        elif forward.exposes:
            listener = self.net.listen(forward.port, forward.bind)
            self._streams.serve(listener, str(forward), lambda accepted, _: self._inward(forward, accepted))
        else:
            here = listen_here(forward.bind, forward.port)
            self._streams.serve(here, str(forward), lambda accepted, _: self._outward(forward, accepted))

    def _inward(self, forward: Forward, accepted: Socket) -> tuple[Socket, socket.socket]:
        return accepted, connect_here(forward.host, forward.to_port, self._timeout)

    def _outward(self, forward: Forward, accepted: socket.socket) -> tuple[Socket, socket.socket]:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.net.connect((forward.host, forward.to_port), self._timeout), accepted

    def _udp_there(self, forward: Forward) -> Any:
        """A UDP socket of the network, connected to a forward's target."""
        hosts = self.net.routed(self.net.hosts(forward.host, self._timeout))
        if not hosts:
            raise NoRouteError(f"network {self.net.id} has no route to {forward.host}")
        back = self.net.udp()
        back.connect((addresses.host_text(hosts[0]), forward.to_port))
        return back

    def _udp_here(self, forward: Forward) -> Any:
        """A UDP socket of the system, connected to a forward's target."""
        info = socket.getaddrinfo(forward.host, forward.to_port, type=socket.SOCK_DGRAM)[0]
        back = socket.socket(info[0], socket.SOCK_DGRAM)
        back.connect(info[4])
        return back

    def close(self) -> None:
        """Listen no more; connections live until the node is closed."""
        self._stack.close()


def udp_here(host: str, port: int) -> socket.socket:
    """A bound UDP socket of the system. Raises OSError."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock
