"""What goes through a TCP relay: UDP datagrams in records that look like TLS (PROTOCOL-VL1 7.9)."""

from __future__ import annotations

from collections.abc import Iterator

from .._core.endpoint import Endpoint
from .reader import Malformed

RECORD = b"\x17\x03\x03"  # TLS application data, version 1.2
HEAD = 5
IPV4 = 4
IPV6 = 6
ADDRESS_LENGTH = {IPV4: 4, IPV6: 16}
MAX_DATAGRAM = 2047
MIN_DATAGRAM = 16
MAX_RECORD = 1 + 16 + 2 + MAX_DATAGRAM
GREETING_LENGTH = 4
FIRST_PORT = 1025
MIN_PACKET = 28
FRAGMENT_MARK = 0xFF
SUITES = {0, 1, 3}  # of the header; suite 2 trusts the path, which a relay does not


def record(body: bytes) -> bytes:
    """One record; ValueError for a body that is too long."""
    if len(body) > MAX_RECORD:
        raise ValueError(f"a record takes at most {MAX_RECORD} bytes")
    return RECORD + len(body).to_bytes(2, "big") + body


def greeting(version: tuple[int, int, int]) -> bytes:
    """What a client says first: its software version."""
    major, minor, revision = version
    return record(bytes((major, minor)) + revision.to_bytes(2, "big"))


def datagram(endpoint: Endpoint, data: bytes) -> bytes:
    """A datagram to (from a client) or from (from a relay) an endpoint."""
    kind = IPV4 if endpoint.is_v4 else IPV6
    return record(bytes((kind,)) + endpoint.packed + endpoint.port.to_bytes(2, "big") + data)


def parse_datagram(body: bytes) -> tuple[Endpoint, bytes] | None:
    """The endpoint and data of a record; None for kinds that carry no datagram; raises Malformed."""
    if not body or body[0] not in ADDRESS_LENGTH:
        return None
    end = 1 + ADDRESS_LENGTH[body[0]]
    if len(body) < end + 2:
        raise Malformed("a truncated address", len(body))
    return Endpoint(body[1:end], int.from_bytes(body[end : end + 2], "big")), body[end + 2 :]


def looks_like_vl1(data: bytes) -> bool:
    """Whether a datagram has the shape of a VL1 packet or fragment (PROTOCOL-VL1 4)."""
    if not MIN_DATAGRAM < len(data) <= MAX_DATAGRAM:
        return False
    if data[13] == FRAGMENT_MARK:
        return 0 < data[14] & 0x0F < data[14] >> 4
    return len(data) >= MIN_PACKET and data[18] >> 3 & 7 in SUITES and any(data[8:13]) and any(data[13:18])


class Records:
    """Takes a byte stream apart into records."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bodies of the records that `data` completes; raises Malformed for what is no record."""
        self._pending += data
        while len(self._pending) >= HEAD:
            length = int.from_bytes(self._pending[3:HEAD], "big")
            if self._pending[:3] != RECORD or length > MAX_RECORD:
                raise Malformed("not a record of a TCP relay")
            if len(self._pending) < HEAD + length:
                return
            body = bytes(self._pending[HEAD : HEAD + length])
            del self._pending[: HEAD + length]
            yield body
