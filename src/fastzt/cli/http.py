"""HTTP for the commands: one request with httpx, and the least of a server."""

from __future__ import annotations

import contextlib
import importlib.util
from typing import TYPE_CHECKING, Any

import click

from ..errors import FastztError, InputError
from .output import say, show

if TYPE_CHECKING:
    import httpx

    from ..api.network import Network
    from ..api.socket import Socket

MAX_HEAD = 64 * 1024
PATIENCE = 30.0  # seconds for one request to come in
BODY = b"OK\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"


def require_httpx() -> None:
    """Raise FastztError when httpx is not installed."""
    if importlib.util.find_spec("httpx") is None:
        raise FastztError("this command needs httpx: pip install 'fastzt[http]'")


def fetch(net: Network, url: str, timeout: float) -> httpx.Response:
    """GET over a network; raises FastztError or OSError saying why it failed."""
    import httpx

    from ..integrations.httpx import Transport

    try:
        with httpx.Client(transport=Transport(net), timeout=timeout) as client:
            return client.get(url)
    except httpx.InvalidURL as error:
        raise InputError(f"{url!r} is not a URL that can be called: {error}") from None
    except httpx.HTTPError as error:
        raise FastztError(f"{url}: {error or type(error).__name__}") from error


def facts(response: httpx.Response) -> dict[str, Any]:
    """A response for JSON."""
    return {
        "status": response.status_code,
        "reason": response.reason_phrase,
        "headers": [[name, value] for name, value in response.headers.multi_items()],
        "body": response.text,
    }


def read_head(connection: Socket) -> list[str]:
    """Request line and headers; empty when the peer closed first or sent no end of head in 64 KiB."""
    data = b""
    while b"\r\n\r\n" not in data and len(data) < MAX_HEAD:
        more = connection.recv(4096)
        if not more:
            return []
        data += more
    head, end, _ = data.partition(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n") if end else []


def printable(line: str) -> str:
    """What a remote sent, without control characters: it goes to a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in line)


def answer(connection: Socket, address: tuple[Any, ...], as_json: bool) -> None:
    """Log one request and answer 200 OK; a peer that goes away is logged, never raised."""
    with connection:
        connection.settimeout(PATIENCE)
        try:
            lines = [printable(line) for line in read_head(connection)]
            if lines:
                connection.sendall(ANSWER % (len(BODY), BODY))
        except OSError as error:
            click.echo(f"fastzt: {address[0]} port {address[1]}: {error}", err=True)
            return
        finally:
            with contextlib.suppress(OSError):
                connection.shutdown(1)
    if lines and as_json:
        show({"peer": address[0], "port": address[1], "request": lines[0], "headers": lines[1:]})
    elif lines:
        say("\n".join([f"{address[0]} port {address[1]}: {lines[0]}", *(f"  {line}" for line in lines[1:])]))
