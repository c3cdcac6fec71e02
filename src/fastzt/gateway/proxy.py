"""Proxy: lets programs that know SOCKS5 or HTTP proxies reach the hosts of a network."""

from __future__ import annotations

import contextlib
import errno
import hmac
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ..api.closing import Closing
from ..wire import socks5
from ..wire.socks5 import Command, Reply, Request
from . import http_request
from .association import associate
from .streams import MAX_CONNECTIONS, Streams, listen_here

if TYPE_CHECKING:
    from ..api.network import Network
    from ..api.socket import Socket

GREETING = 30.0  # seconds for a client to say what it wants
BLOCK = 4096
SOCKS, HTTP = "SOCKS5", "HTTP"
BOTH = frozenset((SOCKS, HTTP))
REPLIES = {
    errno.ENETUNREACH: Reply.NETWORK_UNREACHABLE,
    errno.EHOSTUNREACH: Reply.HOST_UNREACHABLE,
    errno.ECONNREFUSED: Reply.REFUSED,
}
Ends = tuple["Socket", socket.socket]


class Login:
    """The one name and password that a proxy takes."""

    def __init__(self, user: str, password: str) -> None:
        self._expected = f"{user}\0{password}".encode()

    def check(self, user: bytes, password: bytes) -> bool:
        """Whether they are these; takes as long either way."""
        return hmac.compare_digest(b"%b\0%b" % (user, password), self._expected)


class Proxy(Closing):
    """Serves until closed; `report(text)` hears what failed, on any thread.

    `timeout` (seconds) bounds each connect. Names are resolved as `Network.resolve` does.
    """

    def __init__(
        self,
        net: Network,
        report: Callable[[str], None],
        login: Login | None = None,
        timeout: float = 30.0,
        most: int = MAX_CONNECTIONS,
    ) -> None:
        self.net = net
        self.login = login
        self._timeout = timeout
        self._streams = Streams(report, most)

    def listen(self, host: str, port: int, kinds: frozenset[str] = BOTH) -> tuple[str, int]:
        """Serve clients at an address (port 0: any free one); which it is. Raises OSError."""
        listener = listen_here(host, port)
        name = f"{' and '.join(sorted(kinds))} proxy"
        found: tuple[Any, ...] = listener.getsockname()
        self._streams.serve(listener, name, lambda accepted, _: self._client(accepted, kinds))
        return found[0], found[1]

    def _client(self, sock: socket.socket, kinds: frozenset[str]) -> Ends | None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(GREETING)
        first = sock.recv(1, socket.MSG_PEEK)
        if not first:
            return None
        if first[0] == socks5.VERSION and SOCKS in kinds:
            return self._socks(sock)
        if HTTP in kinds:
            return self._http(sock)
        raise ValueError("a client speaks another protocol")

    # SOCKS5

    def _socks(self, sock: socket.socket) -> Ends | None:
        handshake = socks5.ServerHandshake(None if self.login is None else self.login.check)
        while handshake.request is None:
            data = sock.recv(BLOCK)
            if not data:
                return None
            sock.sendall(handshake.receive(data))
            if handshake.refused:
                end_politely(sock)
                raise PermissionError(errno.EACCES, "a client did not authenticate")
        request = handshake.request
        if request.command == Command.CONNECT:
            return self._socks_connect(sock, request, handshake.rest)
        if request.command == Command.UDP_ASSOCIATE:
            associate(self.net, sock, self._timeout)
        else:
            sock.sendall(socks5.reply(Reply.BAD_COMMAND))
            end_politely(sock)
        return None

    def _socks_connect(self, sock: socket.socket, request: Request, early: bytes) -> Ends:
        try:
            near = self.net.connect((request.host, request.port), self._timeout)
        except (OSError, ValueError) as error:
            sock.sendall(socks5.reply(reply_of(error)))
            end_politely(sock)
            raise
        sock.sendall(socks5.reply(Reply.SUCCEEDED, *near.getsockname()[:2]))
        return self._joined(near, sock, early)

    def _joined(self, near: Socket, sock: socket.socket, early: bytes) -> Ends:
        """Both ends, after what the client has sent ahead."""
        try:
            if early:
                near.sendall(early)
        except BaseException:
            near.close()
            raise
        return near, sock

    # HTTP

    def _http(self, sock: socket.socket) -> Ends | None:
        data = b""
        try:
            while (end := data.find(b"\r\n\r\n") + 4) < 4:
                if len(data) > http_request.MAX_HEAD:
                    raise http_request.Refused(
                        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too long a request"
                    )
                more = sock.recv(BLOCK)
                if not more:
                    return None
                data += more
                if not data[:1].isalpha():  # SOCKS, or TLS: which would wait for an answer
                    raise http_request.Refused(HTTPStatus.BAD_REQUEST, "no HTTP request")
            return self._http_connect(sock, http_request.parse(data[:end]), data[end:])
        except http_request.Refused as refused:
            sock.sendall(http_request.answer(refused))
            end_politely(sock)
            return None

    def _http_connect(self, sock: socket.socket, request: http_request.ProxyRequest, early: bytes) -> Ends:
        if self.login is not None and (request.login is None or not self.login.check(*request.login)):
            raise http_request.Refused(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, "who are you?")
        try:
            near = self.net.connect((request.host, request.port), self._timeout)
        except TimeoutError as error:
            raise http_request.Refused(HTTPStatus.GATEWAY_TIMEOUT, str(error)) from error
        except (OSError, ValueError) as error:
            raise http_request.Refused(HTTPStatus.BAD_GATEWAY, str(error)) from error
        if request.head is None:
            sock.sendall(http_request.ESTABLISHED)
        return self._joined(near, sock, (request.head or b"") + early)

    def close(self) -> None:
        """Listen no more; connections live until the node is closed."""
        self._streams.close()


def reply_of(error: Exception) -> Reply:
    """What a SOCKS5 client is told about a failed connect."""
    if isinstance(error, socket.gaierror):
        return Reply.HOST_UNREACHABLE
    if isinstance(error, TimeoutError):
        return Reply.TTL_EXPIRED
    return REPLIES.get(getattr(error, "errno", None) or 0, Reply.FAILURE)


def end_politely(sock: socket.socket) -> None:
    """Let a client read the answer: what it still sends must not reset the connection."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(1.0)
        for _ in range(64):
            if not sock.recv(BLOCK):
                break
    sock.close()
