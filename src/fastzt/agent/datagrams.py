"""Datagrams: a UDP socket of a network, and the packet socket by which a client has it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..api import addresses
from ..api.agent_datagram import head, unpack_address
from ..api.agent_wire import DATAGRAM, FAILURE, HEAD

if TYPE_CHECKING:
    from ..api.datagram import DatagramSocket

MAX = 65535


class Datagrams:
    """Two threads, which end when the client's socket or the agent is closed."""

    def __init__(self, bound: DatagramSocket, sock: socket.socket, gone: Callable[[Datagrams], None]) -> None:
        self._bound = bound
        self._sock = sock
        self._gone = gone
        for work in (self._outward, self._inward):
            threading.Thread(target=work, name="fastzt-udp", daemon=True).start()

    def _outward(self) -> None:
        """From the client."""
        with contextlib.suppress(OSError):
            while message := self._sock.recv(HEAD + MAX):
                self._send(message)
        self.close()

    def _send(self, message: bytes) -> None:
        try:
            ip, port = unpack_address(message)
            self._bound.sendto(message[HEAD:], (addresses.host_text(ip), port))
        except OSError as error:
            self._tell(error)
        except ValueError:
            return  # not a datagram, or to nowhere

    def _inward(self) -> None:
        """To the client; what finds no room waits in the UDP socket, then is lost there."""
        while True:
            try:
                data, source = self._bound.recvfrom(MAX)
            except ConnectionError as error:
                self._tell(error)
                continue
            except OSError as error:
                if self._bound._closed or self._bound._driver.closed:
                    return
                self._tell(error)
                continue
            with contextlib.suppress(OSError):
                ip = addresses.ip16(source[0])
                self._sock.sendmsg([head(DATAGRAM, ip, source[1]), data])

    def _tell(self, error: OSError) -> None:
        """An error of the socket for the client's next call."""
        number = (error.errno or 0).to_bytes(2, "big")
        with contextlib.suppress(OSError):
            self._sock.send(head(FAILURE, bytes(16), 0) + number, socket.MSG_DONTWAIT)

    def close(self) -> None:
        """Free the port."""
        with contextlib.suppress(OSError):
            self._bound.close()
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        self._gone(self)
