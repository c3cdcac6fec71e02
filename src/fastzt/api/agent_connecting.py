"""AgentConnecting: a connection that the agent is asked for, and that another thread may end meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

from .agent_client import answer_of, exchange
from .agent_network import passed

if TYPE_CHECKING:
    from .agent_network import AgentNetwork
    from .agent_wire import Channel
    from .passed_socket import PassedSocket


class AgentConnecting:
    """As much of a BerkeleySocket as `RoutedSocket` needs of it, through an agent."""

    def __init__(self, network: AgentNetwork) -> None:
        self._network = network
        self._timeout: float | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._channel: Channel | None = None
        self._made: PassedSocket | None = None

    def settimeout(self, value: float | None) -> None:
        """Bound `connect`."""
        self._timeout = value

    def setsockopt(self, level: int, optname: int, value: Any) -> None:
        """Without effect: options of TCP are the agent's."""

    def connect(self, address: tuple[Any, ...]) -> None:
        """As `AgentNetwork.connect`; OSError (EBADF) when it is closed."""
        link = self._network._link
        request = {
            "op": "connect",
            "network": self._network.id,
            "address": list(address[:2]),
            "timeout": self._timeout,
        }
        channel = link.open()
        try:
            with self._lock:
                self._channel = channel
                self._check()
            answer = exchange(channel, request)
            with self._lock:
                self._check()
                self._made = passed(link, channel, answer_of(answer), self._timeout)
        finally:
            self._channel = None
            channel.close()

    def _check(self) -> None:
        if self._closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def to_socket(self) -> PassedSocket:
        """The connection."""
        made, self._made = self._made, None
        if made is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return made

    def close(self) -> None:
        """End it; a `connect` that waits raises OSError."""
        with self._lock:
            self._closed = True
            channel, made = self._channel, self._made
        if channel is not None:
            with contextlib.suppress(OSError):
                channel.sock.shutdown(socket.SHUT_RDWR)
        if made is not None:
            made.close()
