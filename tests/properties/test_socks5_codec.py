"""SOCKS5: one end understands what the other says, in any pieces; noise is refused, not fatal."""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastzt.wire import socks5
from fastzt.wire.reader import Malformed

NAMES = st.text(
    st.characters(codec="utf-8", categories=("L", "N"), include_characters=".-_"), min_size=1, max_size=60
)
IPS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
HOSTS = st.one_of(NAMES.filter(lambda name: not is_ip(name)), IPS)
PORTS = st.integers(0, 65535)
FIELDS = st.text(min_size=1, max_size=40).filter(lambda text: 0 < len(text.encode("utf-8", "ignore")) < 256)
LOGIN = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


def is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The same bytes in pieces."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


CUTS = st.lists(st.integers(0, 1000), max_size=6)


def feed(receive: Callable[[bytes], bytes], data: bytes, cuts: list[int]) -> bytes:
    return b"".join(receive(piece) for piece in pieces(data, cuts))


@given(HOSTS, PORTS, st.binary(max_size=40))
def test_addresses_and_datagrams_come_back(host: str, port: int, data: bytes) -> None:
    packed = socks5.address_bytes(host, port)
    assert socks5.parse_address(b"??" + packed + data, 2) == (host, port, 2 + len(packed))
    for end in range(len(packed)):
        assert socks5.parse_address(packed[:end], 0) is None
    assert socks5.parse_datagram(socks5.datagram(host, port, data)) == (host, port, data)


@given(HOSTS, PORTS, st.one_of(st.none(), st.tuples(LOGIN, LOGIN)), CUTS, CUTS, CUTS, st.binary(max_size=30))
def test_both_ends_agree(
    host: str,
    port: int,
    login: tuple[str, str] | None,
    first: list[int],
    second: list[int],
    third: list[int],
    early: bytes,
) -> None:
    known: list[tuple[bytes, bytes]] = []

    def check(user: bytes, password: bytes) -> bool:
        known.append((user, password))
        return True

    server = socks5.ServerHandshake(None if login is None else check)
    client = socks5.ClientHandshake(host, port, *(login or (None,)))
    to_client = feed(server.receive, client.begin(), first)
    for cuts in (second, third, first):
        if server.request is None:
            to_server = feed(client.receive, to_client, cuts)
            to_client = feed(server.receive, to_server, cuts)
    assert server.request == socks5.Request(socks5.Command.CONNECT, host, port)
    assert known == ([] if login is None else [(login[0].encode(), login[1].encode())])
    assert feed(server.receive, early, first) == b""
    assert feed(client.receive, socks5.reply(0, "10.0.0.1", 7) + early, third) == b""
    assert client.done
    assert (client.bound, client.rest) == (("10.0.0.1", 7), early)


@given(st.binary(max_size=80), CUTS, st.booleans())
def test_noise_is_refused(data: bytes, cuts: list[int], secret: bool) -> None:
    def outcome(make: Callable[[], Callable[[bytes], bytes]], cuts: list[int]) -> object:
        try:
            return feed(make(), data, cuts)
        except (Malformed, socks5.ProxyRefusedError) as error:
            return type(error)

    def server() -> Callable[[bytes], bytes]:
        return socks5.ServerHandshake((lambda u, p: False) if secret else None).receive

    def client() -> Callable[[bytes], bytes]:
        return socks5.ClientHandshake("h", 1, "u", "p").receive

    for make in (server, client):
        assert outcome(make, cuts) == outcome(make, [])
    with contextlib.suppress(Malformed):
        socks5.parse_datagram(data)


def test_a_wrong_password_is_answered() -> None:
    server = socks5.ServerHandshake(lambda user, password: password == b"right")
    assert server.receive(b"\x05\x02\x00\x02") == b"\x05\x02"
    assert server.receive(b"\x01\x01u\x05wrong" + b"\x05\x01\x00\x01\x7f\0\0\x01\0\x50") == b"\x01\x01"
    assert server.refused
    assert server.request is None


def test_a_client_without_the_method_is_answered() -> None:
    server = socks5.ServerHandshake(lambda user, password: True)
    assert server.receive(b"\x05\x01\x00") == b"\x05\xff"
    assert server.refused


def test_a_handshake_has_an_end() -> None:
    server = socks5.ServerHandshake()
    server.receive(b"\x05\x01\x00")
    with pytest.raises(Malformed):
        server.receive(b"\x05\x01\x00\x09" + bytes(2000))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x05\xff", "wants authentication"),
        (b"\x05\x02\x01\x01", "refuses username or password"),
        (b"\x05\x00\x05\x05\x00\x01", "connection refused"),
        (b"\x05\x00\x05\x63", "failure 99"),
    ],
)
def test_refusals_are_told(data: bytes, reason: str) -> None:
    client = socks5.ClientHandshake("host", 1, "u", "p")
    with pytest.raises(socks5.ProxyRefusedError, match=reason):
        client.receive(data)


@pytest.mark.parametrize("text", ["", "x" * 256])
def test_what_does_not_fit_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"255|no name"):
        socks5.login("user", text)
    with pytest.raises(ValueError, match="no name"):
        socks5.address_bytes(text, 1)
