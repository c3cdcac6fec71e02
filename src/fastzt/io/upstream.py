"""A connection through a SOCKS5 or HTTP proxy of the system's network, for hosts that reach nothing else."""

from __future__ import annotations

import base64
import socket
import time
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ..errors import InputError
from ..wire.socks5 import ClientHandshake, ProxyRefusedError

SOCKS5, HTTP = "socks5", "http"
SCHEMES = {"socks5": SOCKS5, "socks5h": SOCKS5, "http": HTTP}
PORTS = {SOCKS5: 1080, HTTP: 8080}
MAX_HEAD = 16384


@dataclass(frozen=True)
class UpstreamProxy:
    """Where the proxy is, and what it is told about us."""

    kind: str
    host: str
    port: int
    user: str | None = None
    password: str = field(default="", repr=False)


def parse_upstream(url: str) -> UpstreamProxy:
    """`socks5://[user:password@]host[:port]` or `http://...`; raises InputError, which tells no password."""
    try:
        parts = urlsplit(url)
        kind = SCHEMES[parts.scheme]
        port = parts.port if parts.port is not None else PORTS[kind]
        if not parts.hostname or not port or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError
        user = None if parts.username is None else unquote(parts.username)
        return UpstreamProxy(kind, parts.hostname, port, user, unquote(parts.password or ""))
    except (KeyError, ValueError):
        raise InputError(
            "not an upstream proxy: socks5://host:port or http://host:port expected, user:password@ in front"
        ) from None


def dial(proxy: UpstreamProxy, host: str, port: int, timeout: float) -> socket.socket:
    """A connection to host and port through a proxy, within `timeout` seconds. Raises OSError, Malformed."""
    end = time.monotonic() + timeout
    sock = socket.create_connection((proxy.host, proxy.port), timeout)
    try:
        if proxy.kind == SOCKS5:
            socks5(sock, proxy, host, port, end)
        else:
            http(sock, proxy, host, port, end)
    except BaseException:
        sock.close()
        raise
    return sock


def one_byte(sock: socket.socket, end: float) -> bytes:
    """A byte at a time: what comes behind the handshake stays in the socket."""
    sock.settimeout(max(end - time.monotonic(), 0.001))
    data = sock.recv(1)
    if not data:
        raise ProxyRefusedError("the proxy closed the connection")
    return data


def socks5(sock: socket.socket, proxy: UpstreamProxy, host: str, port: int, end: float) -> None:
    """Ask a SOCKS5 proxy."""
    handshake = ClientHandshake(host, port, proxy.user, proxy.password)
    sock.sendall(handshake.begin())
    while not handshake.done:
        answer = handshake.receive(one_byte(sock, end))
        if answer:
            sock.sendall(answer)


def http(sock: socket.socket, proxy: UpstreamProxy, host: str, port: int, end: float) -> None:
    """Ask an HTTP proxy by CONNECT (RFC 9110 9.3.6)."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if proxy.user is not None:
        login = base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {login}")
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if len(head) > MAX_HEAD:
            raise ProxyRefusedError("the proxy's answer has no end")
        head += one_byte(sock, end)
    status = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    if len(status) < 2 or not status[0].startswith("HTTP/1.") or not status[1].isdigit():
        raise ProxyRefusedError("the proxy's answer is no HTTP")
    if not status[1].startswith("2"):
        raise ProxyRefusedError(f"the proxy answers {' '.join(status[1:])}")
