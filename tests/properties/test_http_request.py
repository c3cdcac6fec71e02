"""Requests to an HTTP proxy: what is passed on, and what is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastzt.gateway.http_request import Refused, answer, parse


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def test_a_plain_request_is_passed_on() -> None:
    found = parse(
        head(
            "GET http://10.0.0.1:81/a?b=c HTTP/1.1",
            "Host: elsewhere",
            "Accept:  text/html ",
            "Proxy-Connection: keep-alive",
            "Connection: Secret, close",
            "secret: 1",
            "Keep-Alive: 5",
            "Proxy-Authorization: Basic " + base64.b64encode("ä:b:c".encode()).decode(),
        )
    )
    assert (found.host, found.port, found.login) == ("10.0.0.1", 81, ("ä".encode(), b"b:c"))
    assert found.head == head(
        "GET /a?b=c HTTP/1.1", "Host: 10.0.0.1:81", "Accept: text/html", "Connection: close"
    )


@pytest.mark.parametrize(
    ("target", "host", "port", "path"),
    [
        ("http://name", "name", 80, b"/"),
        ("HTTP://[fd00::1]:8080?x", "fd00::1", 8080, b"/?x"),
        ("http://name/#part", "name", 80, b"/"),
    ],
)
def test_targets(target: str, host: str, port: int, path: bytes) -> None:
    if "#" in target:
        with pytest.raises(Refused):
            parse(head(f"GET {target} HTTP/1.0"))
        return
    found = parse(head(f"GET {target} HTTP/1.0"))
    assert (found.host, found.port) == (host, port)
    assert found.head is not None
    assert found.head.startswith(b"GET " + path + b" HTTP/1.0\r\n")


def test_connect() -> None:
    found = parse(head("CONNECT [fd00::1]:443 HTTP/1.1", "Host: x"))
    assert (found.host, found.port, found.head, found.login) == ("fd00::1", 443, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "GET / HTTP/1.1",
        "GET https://x/ HTTP/1.1",
        "GET http://user@x/ HTTP/1.1",
        "GET http://x:0/ HTTP/1.1",
        "GET http://x:99999/ HTTP/1.1",
        "GET http:/// HTTP/1.1",
        "CONNECT x HTTP/1.1",
        "GET http://x/ HTTP/2.0",
        "GET  http://x/ HTTP/1.1",
        "GET http://x/ HTTP/1.1\r\n folded: 1",
        "GET http://x/ HTTP/1.1\r\nname : 1",
        "GET http://x/ HTTP/1.1\r\nname: a\rb",
        "GET http://x/ HTTP/1.1\r\nno colon",
        "GET http://x/ HTTP/1.1\nHost: y",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(head(text))
    assert refused.value.status == 400
    assert answer(refused.value).startswith(b"HTTP/1.1 400 Bad Request\r\n")


@given(st.binary(max_size=60), st.lists(st.binary(max_size=40), max_size=4))
def test_nothing_else_is_raised(target: bytes, fields: list[bytes]) -> None:
    try:
        found = parse(b"\r\n".join([b"GET http://" + target + b" HTTP/1.1", *fields, b"", b""]))
    except Refused:
        return
    assert found.head is not None
    lines = found.head.split(b"\r\n")
    assert lines[-2:] == [b"", b""]
    assert lines.count(b"Connection: close") == 1
    assert all(line and b"\r" not in line and b"\n" not in line for line in lines[:-2])


@pytest.mark.parametrize("value", ["Bearer x", "Basic !!!", "Basic " + base64.b64encode(b"nobody").decode()])
def test_other_credentials_are_none(value: str) -> None:
    assert parse(head("CONNECT x:1 HTTP/1.1", f"Proxy-Authorization: {value}")).login is None
