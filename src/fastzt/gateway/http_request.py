"""What an HTTP client asks a proxy for (RFC 9110, 9112): CONNECT, or one plain request to be passed on.

Nothing here touches a socket. Anything that another reader could understand otherwise is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from http import HTTPStatus

MAX_HEAD = 64 * 1024
LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\S+) HTTP/1\.([01])")
FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\0\r\n]*?)[ \t]*")
AUTHORITY = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@\s]+)(?::([0-9]{1,5}))?")
ABSOLUTE = re.compile(rb"http://([^/?#]+)([^#]*)", re.I)
# RFC 9110 7.6.1: of one connection, and for the proxy alone.
HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"upgrade",
}
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Refused(Exception):
    """The answer is this status; the connection ends."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class ProxyRequest:
    """Where to connect; `head` is what the server there is sent first, None for CONNECT."""

    host: str
    port: int
    head: bytes | None
    login: tuple[bytes, bytes] | None


def parse(head: bytes) -> ProxyRequest:
    """A request's head, its empty line included; raises Refused."""
    lines = head[: -len(b"\r\n\r\n")].split(b"\r\n")
    found = LINE.fullmatch(lines[0])
    if found is None:
        raise Refused(HTTPStatus.BAD_REQUEST, "not a request line")
    method, target, version = found.groups()
    fields = [field_of(line) for line in lines[1:]]
    login = next((login_of(value) for name, value in fields if name.lower() == b"proxy-authorization"), None)
    if method == b"CONNECT":
        host, port = authority(target, None)
        return ProxyRequest(host, port, None, login)
    absolute = ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise Refused(HTTPStatus.BAD_REQUEST, "this is a proxy: http://host/path, or CONNECT, is wanted")
    host, port = authority(absolute[1], 80)
    path = absolute[2] or b"/"
    path = path if path.startswith(b"/") else b"/" + path
    passed = b"%b %b HTTP/1.%b\r\n" % (method, path, version)
    return ProxyRequest(host, port, passed + kept(fields, absolute[1]), login)


def field_of(line: bytes) -> tuple[bytes, bytes]:
    """Name and value of a field line; raises Refused."""
    found = FIELD.fullmatch(line)
    if found is None:
        raise Refused(HTTPStatus.BAD_REQUEST, "not a header field")
    return found[1], found[2]


def kept(fields: list[tuple[bytes, bytes]], host: bytes) -> bytes:
    """The fields that go on, with those that the proxy sets; the connection carries one request."""
    listed = {
        token.strip().lower()
        for name, value in fields
        if name.lower() == b"connection"
        for token in value.split(b",")
    }
    gone = HOP_BY_HOP | {b"host"} | listed
    lines = [b"Host: " + host, *(b"%b: %b" % field for field in fields if field[0].lower() not in gone)]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""])


def authority(text: bytes, default: int | None) -> tuple[str, int]:
    """Host and port; raises Refused."""
    found = AUTHORITY.fullmatch(text)
    number = int(found[2]) if found is not None and found[2] else default
    if found is None or number is None or not 0 < number < 65536:
        raise Refused(HTTPStatus.BAD_REQUEST, "no host and port to go to")
    try:
        return found[1].decode("ascii").strip("[]"), number
    except UnicodeDecodeError:
        raise Refused(HTTPStatus.BAD_REQUEST, "a host name that is not ASCII") from None


def login_of(value: bytes) -> tuple[bytes, bytes] | None:
    """User and password of Basic credentials (RFC 7617), None for others."""
    scheme, _, coded = value.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(coded.strip(), validate=True).partition(b":")
    except binascii.Error:
        return None
    return (user, password) if colon else None


def answer(refused: Refused) -> bytes:
    """A whole response."""
    status, body = refused.status, refused.reason.encode("utf-8", "replace") + b"\n"
    challenge = b""
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        challenge = b'Proxy-Authenticate: Basic realm="fastzt", charset="UTF-8"\r\n'
    return (
        b"HTTP/1.1 %d %b\r\n%bContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n%b"
        % (status.value, status.phrase.encode(), challenge, len(body), body)
    )
