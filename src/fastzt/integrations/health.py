"""StatusServer: `/metrics`, `/healthz` and `/readyz` of a node over HTTP, for those who watch over it.

It binds loopback unless told otherwise, and then demands a token, which a client shows as `Bearer TOKEN`, or
as the password of any user. `/metrics` needs the extra `metrics`.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
import json
import logging
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from ..api.closing import Closing
from ..errors import InputError

if TYPE_CHECKING:
    from ..api.node import Node

MAX_REQUESTS = 16  # served at a time; more are turned away
PATIENCE = 10.0  # seconds that a client may take
log = logging.getLogger("fastzt.health")
Answer = tuple[HTTPStatus, str, bytes]


class StatusServer(Closing):
    """Serves from a thread of its own until `close`; `port` 0: any, which `port` then tells.

    Raises InputError for a host that others can reach without a token, OSError for an address in use.
    """

    def __init__(self, node: Node, host: str = "127.0.0.1", port: int = 0, token: str | None = None) -> None:
        if not token and not is_loopback(host):
            raise InputError(f"{host} can be reached by others: to serve status there a token is needed")
        self.node = node
        self._token = (token or "").encode()
        self._answers: dict[str, Callable[[], Answer]] = {
            "/metrics": self.metrics,
            "/healthz": self.health,
            "/readyz": self.readiness,
        }
        self._server = Server(host, port, self)
        self.host, self.port = self._server.server_address[:2]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.25,), name="fastzt-status", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving. Harmless when repeated."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)

    # What is asked for

    def answer(self, path: str, authorization: str) -> Answer:
        """The answer to a GET."""
        if self._token and not self.is_authorized(authorization):
            return plain(HTTPStatus.UNAUTHORIZED, "a token is needed")
        make = self._answers.get(path.partition("?")[0])
        return plain(HTTPStatus.NOT_FOUND, "/metrics, /healthz, /readyz") if make is None else make()

    def is_authorized(self, authorization: str) -> bool:
        """Whether a header shows the token; how long it takes does not tell how much of it is right."""
        scheme, _, shown = authorization.partition(" ")
        given = shown.strip().encode("utf-8", "surrogateescape")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).partition(b":")[2]
            except ValueError:
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(given, self._token)

    def metrics(self) -> Answer:
        """In the text format of Prometheus."""
        try:
            from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
            from prometheus_client.exposition import CONTENT_TYPE_LATEST

            from .prometheus import NodeCollector
        except ImportError:
            return plain(
                HTTPStatus.NOT_IMPLEMENTED, "metrics need prometheus-client: pip install fastzt[metrics]"
            )
        registry = CollectorRegistry(auto_describe=False)
        registry.register(NodeCollector(self.node))
        ProcessCollector(registry=registry)
        return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(registry)

    def health(self) -> Answer:
        """Whether the node lives: if not, it should be started anew."""
        alive = not self.node.closed and self.node.status() is not None
        return told(alive, {"node": self.node.id})

    def readiness(self) -> Answer:
        """Whether the node can be used: a root answers, and every network joined has an address."""
        if self.node.closed:
            return told(False, {"missing": ["the node is closed"]})
        status = self.node.status()
        missing = [] if status["online"] else ["no root answers"]
        for network in status["networks"]:
            if network["status"] != "OK":
                missing.append(f"network {network['id']}: {network['status']}")
            elif not network["addresses"]:
                missing.append(f"network {network['id']}: no address")
        return told(not missing, {"node": status["id"], "missing": missing})


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def plain(status: HTTPStatus, text: str) -> Answer:
    """A line of text."""
    return status, "text/plain; charset=utf-8", text.encode() + b"\n"


def told(good: bool, more: dict[str, Any]) -> Answer:
    """JSON, with the status that says the same."""
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    body = {"status": "ok" if good else "unavailable", **more}
    return status, "application/json", json.dumps(body).encode() + b"\n"


class Server(ThreadingHTTPServer):
    """A thread for each request, MAX_REQUESTS at most."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, status: StatusServer) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.status = status
        self._room = threading.BoundedSemaphore(MAX_REQUESTS)
        super().__init__((host, port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve it, unless there are too many."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """In the request's thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; the rest is a bug."""
        log.debug("a request from %s failed", client_address, exc_info=True)


class Handler(BaseHTTPRequestHandler):
    """GET and HEAD; the answer is the server's."""

    server: Server
    timeout = PATIENCE
    server_version = "fastzt"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer."""
        self.respond(True)

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self.respond(False)

    def respond(self, with_body: bool) -> None:
        """Send the answer."""
        status, kind, body = self.server.status.answer(self.path, self.headers.get("Authorization", ""))
        self.send_response(status)
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="fastzt"')
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """To the log, not to standard error."""
        log.debug("%s %s", self.address_string(), format % args)
