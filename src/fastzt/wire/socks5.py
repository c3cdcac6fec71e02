"""SOCKS5 (RFC 1928) with username and password (RFC 1929): both ends of a handshake, and UDP datagrams.

Nothing here touches a socket: bytes are fed in as they come, in whatever pieces, and what is to be sent comes
back. Anything wrong raises Malformed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from .reader import Malformed

VERSION = 5
AUTH_VERSION = 1
NO_AUTH, PASSWORD, NO_METHOD = 0, 2, 0xFF
IPV4, NAME, IPV6 = 1, 3, 4
MAX_FIELD = 255
MAX_PENDING = 1024  # more than the longest message of a handshake


class Command(IntEnum):
    """What a client asks for."""

    CONNECT = 1
    BIND = 2
    UDP_ASSOCIATE = 3


class Reply(IntEnum):
    """What a server answers."""

    SUCCEEDED = 0
    FAILURE = 1
    NOT_ALLOWED = 2
    NETWORK_UNREACHABLE = 3
    HOST_UNREACHABLE = 4
    REFUSED = 5
    TTL_EXPIRED = 6
    BAD_COMMAND = 7
    BAD_ADDRESS = 8


REASONS = {
    Reply.FAILURE: "general failure",
    Reply.NOT_ALLOWED: "not allowed by its rules",
    Reply.NETWORK_UNREACHABLE: "network is unreachable",
    Reply.HOST_UNREACHABLE: "host is unreachable",
    Reply.REFUSED: "connection refused",
    Reply.TTL_EXPIRED: "TTL expired",
    Reply.BAD_COMMAND: "command not supported",
    Reply.BAD_ADDRESS: "address type not supported",
}


def address_bytes(host: str, port: int) -> bytes:
    """ATYP, address and port of an IP address or a name; ValueError for a name that does not fit."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("utf-8")
        if not 0 < len(name) <= MAX_FIELD:
            raise ValueError(f"{host!r} is no name that SOCKS5 can carry") from None
        return bytes((NAME, len(name))) + name + port.to_bytes(2, "big")
    return bytes((IPV4 if ip.version == 4 else IPV6,)) + ip.packed + port.to_bytes(2, "big")


def parse_address(data: bytes, offset: int) -> tuple[str, int, int] | None:
    """Host, port and where what follows begins; None when bytes are missing."""
    if len(data) <= offset:
        return None
    kind, start = data[offset], offset + 1
    if kind == NAME:
        if len(data) <= start:
            return None
        start, length = start + 1, data[start]
        if length == 0:
            raise Malformed("an empty name", offset)
    elif kind in (IPV4, IPV6):
        length = 4 if kind == IPV4 else 16
    else:
        raise Malformed(f"address type {kind}", offset)
    end = start + length + 2
    if len(data) < end:
        return None
    raw = data[start : start + length]
    host = name_of(raw, start) if kind == NAME else str(ipaddress.ip_address(raw))
    return host, int.from_bytes(data[end - 2 : end], "big"), end


def name_of(raw: bytes, offset: int) -> str:
    """A host name: printable text without spaces."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a name that is no text", offset) from None
    if not text.isprintable() or " " in text:
        raise Malformed("a name that is no name", offset)
    return text


def datagram(host: str, port: int, data: bytes) -> bytes:
    """A UDP datagram for or from a host, as it goes between client and server (RFC 1928 7)."""
    return b"\0\0\0" + address_bytes(host, port) + data


def parse_datagram(data: bytes) -> tuple[str, int, bytes]:
    """Host, port and payload; Malformed for fragments too, which nobody sends."""
    if len(data) < 4 or data[:2] != b"\0\0":
        raise Malformed("no SOCKS5 datagram")
    if data[2] != 0:
        raise Malformed("a fragment of a datagram", 2)
    found = parse_address(data, 3)
    if found is None:
        raise Malformed("a truncated datagram", len(data))
    host, port, end = found
    return host, port, data[end:]


def reply(code: int, host: str = "0.0.0.0", port: int = 0) -> bytes:
    """A server's answer to a request, with the address that it bound."""
    return bytes((VERSION, code, 0)) + address_bytes(host, port)


@dataclass(frozen=True)
class Request:
    """What a client wants of a server."""

    command: int
    host: str
    port: int


class Handshake:
    """Bytes that have come and not been understood yet."""

    def __init__(self) -> None:
        self._pending = b""

    def _add(self, data: bytes) -> None:
        self._pending += data

    def _take(self, n: int) -> bytes | None:
        """Exactly `n` bytes off the front, None when they are not there yet."""
        if len(self._pending) < n:
            return None
        taken, self._pending = self._pending[:n], self._pending[n:]
        return taken

    @property
    def rest(self) -> bytes:
        """What came behind the handshake."""
        return self._pending


class ServerHandshake(Handshake):
    """The server's end until `request` is known; `rest` may hold what the client sent ahead.

    `check(user, password)` makes authentication a duty; a client that fails gets its answer, then
    `refused` is set and the connection is to be closed.
    """

    def __init__(self, check: Callable[[bytes, bytes], bool] | None = None) -> None:
        super().__init__()
        self._check = check
        self._step: Callable[[], bytes | None] = self._greeting
        self.request: Request | None = None
        self.refused = False

    def receive(self, data: bytes) -> bytes:
        """Take what has come; what to send now."""
        self._add(data)
        out = b""
        while self.request is None and not self.refused:
            answer = self._step()
            if answer is None:
                if len(self._pending) > MAX_PENDING:
                    raise Malformed("too long a handshake")
                break
            out += answer
        return out

    def _greeting(self) -> bytes | None:
        data = self._pending
        if data and data[0] != VERSION:
            raise Malformed(f"SOCKS version {data[0]}")
        if len(data) < 2 or self._take(2 + data[1]) is None:
            return None
        wanted = NO_AUTH if self._check is None else PASSWORD
        if wanted not in data[2 : 2 + data[1]]:
            self.refused = True
            return bytes((VERSION, NO_METHOD))
        self._step = self._request if self._check is None else self._password
        return bytes((VERSION, wanted))

    def _password(self) -> bytes | None:
        data = self._pending
        if data and data[0] != AUTH_VERSION:
            raise Malformed(f"version {data[0]} of password authentication")
        if len(data) < 2 or len(data) < 3 + data[1] or len(data) < 3 + data[1] + data[2 + data[1]]:
            return None
        end = 2 + data[1]
        user, password = data[2:end], data[end + 1 : end + 1 + data[end]]
        self._take(end + 1 + data[end])
        assert self._check is not None
        self.refused = not self._check(user, password)
        self._step = self._request
        return bytes((AUTH_VERSION, int(self.refused)))

    def _request(self) -> bytes | None:
        data = self._pending
        if data and data[0] != VERSION:
            raise Malformed(f"SOCKS version {data[0]}")
        found = parse_address(data, 3) if len(data) > 3 else None
        if found is None:
            return None
        host, port, end = found
        self._take(end)
        self.request = Request(data[1], host, port)
        return b""


class ProxyRefusedError(OSError):
    """A proxy did not do what was asked of it."""


class ClientHandshake(Handshake):
    """The client's end: `begin()`, then `receive` until `done`; `rest` may hold what came behind.

    Raises ProxyRefusedError when the server will not, Malformed when it speaks something else.
    """

    def __init__(self, host: str, port: int, user: str | None = None, password: str = "") -> None:
        super().__init__()
        self._target = address_bytes(host, port)
        self._login = None if user is None else login(user, password)
        self._step: Callable[[], bytes | None] = self._method
        self.done = False
        self.bound: tuple[str, int] = ("", 0)

    def begin(self) -> bytes:
        """What to send first."""
        methods = bytes((NO_AUTH,)) if self._login is None else bytes((NO_AUTH, PASSWORD))
        return bytes((VERSION, len(methods))) + methods

    def receive(self, data: bytes) -> bytes:
        """Take what has come; what to send now."""
        self._add(data)
        out = b""
        while not self.done:
            answer = self._step()
            if answer is None:
                break
            out += answer
        return out

    def _method(self) -> bytes | None:
        data = self._take(2)
        if data is None:
            return None
        if data[0] != VERSION:
            raise Malformed(f"SOCKS version {data[0]}")
        if data[1] == NO_AUTH:
            return self._ask()
        if data[1] != PASSWORD or self._login is None:
            raise ProxyRefusedError("the SOCKS5 proxy wants authentication that it is not given")
        self._step = self._authenticated
        return self._login

    def _authenticated(self) -> bytes | None:
        data = self._take(2)
        if data is None:
            return None
        if data[1] != 0:
            raise ProxyRefusedError("the SOCKS5 proxy refuses username or password")
        return self._ask()

    def _ask(self) -> bytes:
        self._step = self._answer
        return bytes((VERSION, Command.CONNECT, 0)) + self._target

    def _answer(self) -> bytes | None:
        data = self._pending
        if data and data[0] != VERSION:
            raise Malformed(f"SOCKS version {data[0]}")
        if len(data) > 1 and data[1] != Reply.SUCCEEDED:
            reason = REASONS.get(Reply(data[1])) if data[1] in set(Reply) else None
            raise ProxyRefusedError(f"the SOCKS5 proxy: {reason or f'failure {data[1]}'}")
        found = parse_address(data, 3) if len(data) > 3 else None
        if found is None:
            return None
        self.bound, self.done = found[:2], True
        self._take(found[2])
        return b""


def login(user: str, password: str) -> bytes:
    """The message of RFC 1929; ValueError for what does not fit."""
    fields = (user.encode(), password.encode())
    if not all(0 < len(field) <= MAX_FIELD for field in fields):
        raise ValueError("username and password for SOCKS5 have 1 to 255 bytes")
    return bytes((AUTH_VERSION,)) + b"".join(bytes((len(field),)) + field for field in fields)
