"""TLS over any pair of read and write calls, by ssl.MemoryBIO: no file descriptor is needed."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
Read = Callable[[int, "float | None"], bytes]
Write = Callable[[bytes, "float | None"], None]
CHUNK = 65536


class TlsSession:
    """The client's end of a TLS connection over `read(size, timeout)` and `write(data, timeout)`."""

    def __init__(
        self, read: Read, write: Write, context: ssl.SSLContext, server_hostname: str | None
    ) -> None:
        self._read = read
        self._write = write
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)

    def handshake(self, timeout: float | None) -> None:
        """Negotiate; raises ssl.SSLError, TimeoutError, OSError."""
        self._run(self.object.do_handshake, timeout)

    def read(self, size: int, timeout: float | None) -> bytes:
        """At most `size` decrypted bytes, empty at the end of the stream."""
        try:
            return self._run(lambda: self.object.read(size), timeout)
        except ssl.SSLZeroReturnError:
            return b""

    def write(self, data: bytes, timeout: float | None) -> None:
        """Encrypt and send all of `data`."""
        view = memoryview(data)
        while len(view):
            sent = self._run(lambda view=view: self.object.write(view), timeout)  # type: ignore[misc]
            view = view[sent:]

    def _run(self, step: Callable[[], T], timeout: float | None) -> T:
        """Repeat `step`, moving ciphertext, until it succeeds; `timeout` bounds the whole."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if end is None else max(end - time.monotonic(), 0.001)
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush(left)
                data = self._read(CHUNK, left)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
                continue
            self._flush(left)
            return result

    def _flush(self, timeout: float | None) -> None:
        data = self._outgoing.read()
        if data:
            self._write(data, timeout)

    def info(self) -> Any:
        """The ssl object: certificates, cipher, ALPN."""
        return self.object
