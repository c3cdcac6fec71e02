"""A SOCKS5 client's UDP association (RFC 1928 7): its datagrams go to and come from a network."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

from ..api import addresses
from ..errors import FastztError
from ..wire import socks5
from ..wire.reader import Malformed

if TYPE_CHECKING:
    from ..api.datagram import DatagramSocket
    from ..api.network import Network

MAX_DATAGRAM = 65535
MAX_NAMES = 256


def associate(net: Network, control: socket.socket, timeout: float) -> None:
    """Relay until the client closes the connection by which it asked."""
    family = control.family
    client = control.getpeername()[0]
    with socket.socket(family, socket.SOCK_DGRAM) as relay, net.udp() as far:
        relay.bind((control.getsockname()[0], 0))
        Association(net, relay, far, client, timeout).start()
        control.sendall(socks5.reply(socks5.Reply.SUCCEEDED, *relay.getsockname()[:2]))
        control.settimeout(None)
        with contextlib.suppress(OSError):
            while control.recv(4096):
                pass
        with contextlib.suppress(OSError):
            relay.shutdown(socket.SHUT_RDWR)  # ends the thread that receives


class Association:
    """Two threads, which end when either socket is closed. Datagrams of other hosts are dropped."""

    def __init__(
        self, net: Network, relay: socket.socket, far: DatagramSocket, client: str, timeout: float
    ) -> None:
        self._net = net
        self._relay = relay
        self._far = far
        self._client = client
        self._timeout = timeout
        self._address: Any = None  # where the client sends from
        self._names: dict[str, str | None] = {}

    def start(self) -> None:
        """Begin."""
        for work in (self._outward, self._inward):
            threading.Thread(target=work, name="fastzt-associate", daemon=True).start()

    def _outward(self) -> None:
        """From the client."""
        while True:
            try:
                data, address = self._relay.recvfrom(MAX_DATAGRAM)
            except ConnectionError:
                continue
            except OSError:
                return
            if not data and address is None:
                return
            if address[0] != self._client or self._address not in (None, address):
                continue
            with contextlib.suppress(Malformed, OSError, FastztError):
                host, port, payload = socks5.parse_datagram(data)
                self._address = address
                found = self._resolve(host)
                if found is not None and port:
                    self._far.sendto(payload, (found, port))

    def _resolve(self, host: str) -> str | None:
        """An address of a host that the network has a route to; each name is asked for once."""
        if host not in self._names:
            while len(self._names) >= MAX_NAMES:
                del self._names[next(iter(self._names))]
            hosts = self._net.routed(self._net.hosts(host, self._timeout))
            self._names[host] = addresses.host_text(hosts[0]) if hosts else None
        return self._names[host]

    def _inward(self) -> None:
        """To the client."""
        while True:
            try:
                data, source = self._far.recvfrom(MAX_DATAGRAM)
            except (ConnectionError, FastztError):
                continue
            except OSError:
                return
            if self._address is not None:
                with contextlib.suppress(OSError):
                    self._relay.sendto(socks5.datagram(source[0], source[1], data), self._address)
