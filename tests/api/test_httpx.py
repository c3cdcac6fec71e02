"""httpx over a network: requests, keep-alive, TLS, errors."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.nodes import Pair

from fastzt import Listener, Socket
from fastzt.integrations.httpx import Transport
from fastzt.integrations.tls import CHUNK

BODY = bytes(range(256)) * 2000


class Server:
    """A minimal HTTP/1.1 server over a listener: answers each request with its path and BODY."""

    def __init__(self, listener: Listener, context: ssl.SSLContext | None = None) -> None:
        self.listener, self.context = listener, context
        self.connections = 0
        listener.settimeout(60)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            conn.settimeout(30)
            threading.Thread(target=self.talk, args=(conn,), daemon=True).start()

    def talk(self, conn: Socket) -> None:
        with conn, contextlib.suppress(OSError):  # ssl.SSLError is one: a client may give up
            self.answer(conn)

    def answer(self, conn: Socket) -> None:
        stream = TlsServer(conn, self.context) if self.context else conn
        pending = b""
        while True:
            while b"\r\n\r\n" not in pending:
                block = stream.recv(65536)
                if not block:
                    return
                pending += block
            head, _, pending = pending.partition(b"\r\n\r\n")
            path = head.split()[1]
            headers = b"HTTP/1.1 200 OK\r\nX-Path: %s\r\nContent-Length: %d\r\n\r\n" % (path, len(BODY))
            stream.sendall(headers + BODY)


class TlsServer:
    """The server's end of TLS over a socket."""

    def __init__(self, conn: Socket, context: ssl.SSLContext) -> None:
        self.conn = conn
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.run(self.object.do_handshake)

    def run(self, step):
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self.flush()
                block = self.conn.recv(CHUNK)
                if not block:
                    return b""
                self.incoming.write(block)
                continue
            self.flush()
            return result

    def flush(self) -> None:
        data = self.outgoing.read()
        if data:
            self.conn.sendall(data)

    def recv(self, size: int) -> bytes:
        return self.run(lambda: self.object.read(size))

    def sendall(self, data: bytes) -> None:
        self.run(lambda: self.object.write(data))


@pytest.fixture
def server(pair: Pair) -> Iterator[Server]:
    with pair.net_b.listen(0) as listener:
        yield Server(listener)


def test_requests_share_a_connection(pair: Pair, server: Server) -> None:
    base = f"http://{pair.ip(pair.net_b)}:{server.listener.port}"
    with httpx.Client(transport=Transport(pair.net_a), timeout=60) as client:
        for path in ("/one", "/two", "/three"):
            response = client.get(base + path)
            assert response.status_code == 200
            assert response.headers["x-path"] == path
            assert response.content == BODY
    assert server.connections == 1


def test_a_node_is_a_transport_too(pair: Pair, server: Server) -> None:
    url = f"http://{pair.ip(pair.net_b)}:{server.listener.port}/"
    with httpx.Client(transport=Transport(pair.a), timeout=60) as client:
        assert client.get(url).content == BODY


def test_errors_are_httpx_errors(pair: Pair) -> None:
    with httpx.Client(transport=Transport(pair.net_a), timeout=60) as client:
        with pytest.raises(httpx.ConnectError, match="refused"):
            client.get(f"http://{pair.ip(pair.net_b)}:9/")
        with pytest.raises(httpx.ConnectError, match="no route"):
            client.get("http://192.0.2.7/")
        with pair.net_b.listen(0) as silent, pytest.raises(httpx.ReadTimeout):
            client.get(f"http://{pair.ip(pair.net_b)}:{silent.port}/", timeout=httpx.Timeout(30, read=0.1))


def certificate(ip: str, directory: Path) -> Path:
    """A self-signed certificate for an address, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, ip)])
    start = datetime.datetime(2020, 1, 1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ip))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = directory / "certificate.pem"
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_tls(pair: Pair, tmp_path: Path) -> None:
    ip = pair.ip(pair.net_b)
    path = certificate(ip, tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    trusting = ssl.create_default_context(cafile=str(path))
    with pair.net_b.listen(0) as listener:
        Server(listener, context)
        url = f"https://{ip}:{listener.port}/secret"
        with httpx.Client(transport=Transport(pair.net_a, verify=trusting), timeout=60) as client:
            assert client.get(url).content == BODY
        with (
            httpx.Client(transport=Transport(pair.net_a), timeout=60) as client,
            pytest.raises(httpx.ConnectError, match="certificate verify failed"),
        ):
            client.get(url)
