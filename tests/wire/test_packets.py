"""Packet bodies: the examples of PROTOCOL-VL2 appendix A.5, round trips, and what is malformed."""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import committed

from fastzt._core.endpoint import Endpoint
from fastzt.wire.arp import REQUEST, Arp
from fastzt.wire.com import Com
from fastzt.wire.config_chunk import ConfigAck
from fastzt.wire.error_body import Authentication, ErrorBody
from fastzt.wire.frame import EXT_FRAME_HEAD, FRAME_HEAD, TEE_OUT, ExtFrame, Frame
from fastzt.wire.in_re import InRe
from fastzt.wire.multicast import (
    Gather,
    Gathered,
    Like,
    MulticastFrame,
    OkGather,
    OkMulticastFrame,
    encode_likes,
    parse_likes,
)
from fastzt.wire.ndp import ADVERTISEMENT, ALL_NODES, SOLICITATION, Neighbor, solicitation
from fastzt.wire.push_direct_paths import FORGET, PathRecord, PushDirectPaths, split
from fastzt.wire.reader import Malformed
from fastzt.wire.rendezvous import Rendezvous
from fastzt.wire.verbs import ErrorCode, Verb
from fastzt.wire.whois import OkWhois, Whois

NWID = 0xAE34861CB9001234
BROADCAST = 0xFFFFFFFFFFFF
COM = Com.parse(bytes.fromhex(committed("credentials", "com")[0]["serialized"]))
IDENTITY = bytes.fromhex(committed("identity", "identity")[0]["public_binary"])
HERE, HERE6 = Endpoint.parse("192.0.2.33", 9993), Endpoint.parse("2001:db8::33", 65535)
MACS = st.integers(0, 2**48 - 1)
U32 = st.integers(0, 2**32 - 1)
ADDRESSES = st.integers(0, 2**40 - 1)
DATA = st.binary(max_size=50)


def both(codec: Any, text: str, value: Any) -> None:
    """The value encodes to the hex text, and parses from it."""
    data = bytes.fromhex(text)
    assert value.to_bytes() == data
    assert codec.parse(data) == value


def test_examples() -> None:
    arp_text = "0001080006040001361d90b9a2d30a0000010000000000000a000002"
    arp = Arp.parse(bytes.fromhex(arp_text))
    text = "ae34861cb90012340200000021ffffffffffff0a0000020806" + arp_text
    frame = MulticastFrame(NWID, BROADCAST, 0x0A000002, 0x0806, arp.to_bytes(), gather_limit=0x21)
    both(MulticastFrame, text, frame)
    gathered = Gathered(1, (0x9E49A45A84,))
    text = "ae34861cb9001234ffffffffffff0a00000200000001" + "00019e49a45a84"
    both(OkGather, text, OkGather(NWID, BROADCAST, 0x0A000002, gathered))
    text = "ae34861cb9001234ffffffffffff0a000002" + "02" + "0000000100019e49a45a84"
    both(OkMulticastFrame, text, OkMulticastFrame(NWID, BROADCAST, 0x0A000002, None, gathered))
    text = "ae34861cb900123401ffffffffffff0a00000200000021" + COM.to_bytes().hex()
    both(Gather, text, Gather(NWID, BROADCAST, 0x0A000002, 0x21, COM))
    both(Frame, "ae34861cb900123408004500", Frame(NWID, 0x0800, b"\x45\0"))
    text = "ae34861cb900123400021122334455361d90b9a2d308004500"
    both(ExtFrame, text, ExtFrame(NWID, 0x021122334455, 0x361D90B9A2D3, 0x0800, b"\x45\0"))
    both(ErrorBody, "06ae34861cb9001234", ErrorBody(ErrorCode.NEED_MEMBERSHIP_CERTIFICATE, NWID))
    both(ErrorBody, "07ae34861cb9001234", ErrorBody(ErrorCode.NETWORK_ACCESS_DENIED, NWID))
    both(ConfigAck, "ae34861cb9001234afb28765fd9c6f3d", ConfigAck(NWID, 0xAFB28765FD9C6F3D))
    head, body = InRe.split(bytes.fromhex("083b2e859c908fca84ae34"))
    assert (head, body) == (InRe(Verb.ECHO, 0x3B2E859C908FCA84), b"\xae\x34")
    likes = (Like(NWID, BROADCAST, 0), Like(NWID, BROADCAST, 0x0A000002))
    text = "ae34861cb9001234ffffffffffff00000000ae34861cb9001234ffffffffffff0a000002"
    assert encode_likes(likes).hex() == text
    assert parse_likes(bytes.fromhex(text)) == likes


def test_replicator_layouts() -> None:
    head = "ae34861cb9001234"
    to = MulticastFrame(NWID, BROADCAST, 5, 0x0806, b"x", source=0x361D90B9A2D3, replicate=True)
    both(MulticastFrame, head + "0c361d90b9a2d3ffffffffffff00000005080678", to)
    on = MulticastFrame(NWID, BROADCAST, 5, 0x0806, b"x", gather_limit=9, source=0x361D90B9A2D3)
    both(MulticastFrame, head + "0600000009361d90b9a2d3ffffffffffff00000005080678", on)


COMS = st.sampled_from([None, COM])


@given(MACS, U32, DATA, st.none() | U32, st.none() | MACS, COMS, st.booleans())
def test_multicast_frame(
    mac: int, adi: int, data: bytes, limit: int | None, source: int | None, com: Com | None, replicate: bool
) -> None:
    frame = MulticastFrame(NWID, mac, adi, 0x86DD, data, limit, source, com, replicate)
    assert MulticastFrame.parse(frame.to_bytes()) == frame


@given(MACS, U32, U32, COMS, st.lists(ADDRESSES, max_size=5))
def test_gather(mac: int, adi: int, limit: int, com: Com | None, members: list[int]) -> None:
    gather = Gather(NWID, mac, adi, limit, com)
    assert Gather.parse(gather.to_bytes()) == gather
    found = Gathered(limit, tuple(members))
    assert OkGather.parse(OkGather(NWID, mac, adi, found).to_bytes()).gathered == found
    for ok in (OkMulticastFrame(NWID, mac, adi, com, found), OkMulticastFrame(NWID, mac, adi, com)):
        assert OkMulticastFrame.parse(ok.to_bytes()) == ok


@given(MACS, MACS, DATA, COMS)
def test_frames(to: int, source: int, data: bytes, com: Com | None) -> None:
    frame = ExtFrame(NWID, to, source, 0x0800, data, TEE_OUT, com)
    encoded = frame.to_bytes()
    assert ExtFrame.parse(encoded) == frame
    assert len(encoded) == EXT_FRAME_HEAD + len(data) + (272 if com else 0)
    assert not frame.ack_requested
    assert ExtFrame.parse(encoded[:8] + bytes([encoded[8] | 0x10]) + encoded[9:]).ack_requested
    plain = Frame(NWID, 0x0800, data)
    assert len(plain.to_bytes()) == FRAME_HEAD + len(data)
    assert Frame.parse(plain.to_bytes()) == plain


def test_whois() -> None:
    both(Whois, "8e4df28b72d6befe333f", Whois((0x8E4DF28B72, 0xD6BEFE333F)))
    assert OkWhois.parse(IDENTITY * 3) == OkWhois((IDENTITY,) * 3)
    assert OkWhois((IDENTITY,) * 2).to_bytes() == IDENTITY * 2
    for bad in (
        b"",
        IDENTITY[:-1],
        IDENTITY + b"x",
        IDENTITY[:70] + b"\x40",
        IDENTITY[:5] + b"\1" + IDENTITY[6:],
    ):
        with pytest.raises(Malformed):
            OkWhois.parse(bad)
    for bad in (b"", b"1234", b"123456"):
        with pytest.raises(Malformed):
            Whois.parse(bad)


def test_rendezvous() -> None:
    both(Rendezvous, "00d6befe333f270904c0000221", Rendezvous(0xD6BEFE333F, HERE))
    assert Rendezvous.parse(Rendezvous(5, HERE6).to_bytes()) == Rendezvous(5, HERE6)
    for bad in ("00d6befe333f000004c0000221", "00d6befe333f270905c000022100", "00d6befe333f270904c00002"):
        with pytest.raises(Malformed):
            Rendezvous.parse(bytes.fromhex(bad))


def test_push_direct_paths() -> None:
    push = PushDirectPaths((PathRecord(HERE), PathRecord(HERE6, FORGET)))
    both(PushDirectPaths, "00020000000406c000022127090100000612" + HERE6.ip.hex() + "ffff", push)
    # An extension is passed over, and so is an address of another type.
    odd = bytes.fromhex(
        "000300 0003 aabbcc 04 06 c00002212709 00 0000 03 02 ffff 00 0000 04 08 c000022127090000"
    )
    assert PushDirectPaths.parse(odd) == PushDirectPaths((PathRecord(HERE), PathRecord(HERE)))
    for bad in (
        "0001",
        "00010000000405c0000221270900",
        "00010000050406c00002212709",
        "00010000000406c000022127",
    ):
        with pytest.raises(Malformed):
            PushDirectPaths.parse(bytes.fromhex(bad))


def test_push_splits_where_the_packet_is_full() -> None:
    endpoints = [Endpoint(HERE6.ip, port) for port in range(1, 120)]
    packets = split(endpoints)
    assert [record.endpoint for push in packets for record in push.records] == endpoints
    assert all(len(push.to_bytes()) + 28 <= 1200 for push in packets)
    assert len(packets) == 3
    assert split([]) == []


def test_errors() -> None:
    for code in ErrorCode:
        if code != ErrorCode.UNWANTED_MULTICAST:
            assert ErrorBody.parse(bytes([code])) == ErrorBody(code)
    unwanted = ErrorBody(ErrorCode.UNWANTED_MULTICAST, NWID, BROADCAST, 7)
    assert ErrorBody.parse(unwanted.to_bytes()) == unwanted
    details = b"aV=0\naU=https://example.net/?a\\eb"
    login = ErrorBody(ErrorCode.NETWORK_AUTHENTICATION_REQUIRED, NWID, details=details)
    assert ErrorBody.parse(login.to_bytes()) == login
    assert login.authentication == Authentication(0, "https://example.net/?a=b")
    assert ErrorBody.parse(login.to_bytes()[:-1]).details == b""
    openid = Authentication.parse(b"aV=1\niU=i\naCU=c\naN=n\naS=s\naCID=d")
    assert openid == Authentication(1, "", "i", "c", "n", "s", "d", "default")
    for bad in (b"", b"\x06short", unwanted.to_bytes()[:-1]):
        with pytest.raises(Malformed):
            ErrorBody.parse(bad)


def test_arp() -> None:
    request = Arp.parse(bytes.fromhex("0001080006040001361d90b9a2d30a0000010000000000000a000002") + bytes(18))
    assert request.operation == REQUEST
    reply = request.reply(0x368C491D4602)
    text = "0001080006040002368c491d46020a000002361d90b9a2d30a000001"
    both(Arp, text, reply)
    for bad in ("", text[:-2], "0006" + text[4:], text[:8] + "0806" + text[12:]):
        with pytest.raises(Malformed):
            Arp.parse(bytes.fromhex(bad))


def neighbor(kind: int, options: bytes, flags: int = 0, hop_limit: int = 255, following: int = 58) -> bytes:
    source, target = ipaddress.ip_address("fe80::1").packed, ipaddress.ip_address("fe80::2").packed
    icmp = bytes([kind, 0, 0, 0]) + (flags << 29).to_bytes(4, "big") + target + options
    head = b"\x60\0\0\0" + len(icmp).to_bytes(2, "big") + bytes([following, hop_limit])
    return head + source + target + icmp


def test_ndp() -> None:
    lladdr = bytes.fromhex("0201361d90b9a2d3")
    seen = Neighbor.parse(neighbor(ADVERTISEMENT, bytes([14, 1]) + bytes(6) + lladdr, flags=3) + b"padding")
    assert (seen.kind, seen.flags, seen.mac) == (ADVERTISEMENT, 3, 0x361D90B9A2D3)
    assert str(ipaddress.ip_address(seen.target)) == "fe80::2"
    assert Neighbor.parse(neighbor(SOLICITATION, b"")).mac is None
    assert Neighbor.parse(neighbor(SOLICITATION, lladdr)).mac is None  # the target's option, not the source's
    good = neighbor(SOLICITATION, b"\1" + lladdr[1:])
    assert Neighbor.parse(good).mac == 0x361D90B9A2D3
    bad = [
        neighbor(SOLICITATION, b"\1\0" + bytes(6)),
        neighbor(SOLICITATION, b"\1\2" + bytes(6)),
        neighbor(SOLICITATION, b"", hop_limit=254),
        neighbor(SOLICITATION, b"", following=17),
        neighbor(134, b""),
        b"\x45" + good[1:],
        *(good[:length] for length in range(64)),
    ]
    for packet in bad:
        with pytest.raises(Malformed):
            Neighbor.parse(packet)


def test_ndp_both_ways() -> None:
    """What is written is accepted; what RFC 4861 7.1 has a receiver discard is refused."""
    ours, theirs = (ipaddress.ip_address(f"2001:db8::{n}").packed for n in (1, 2))
    question = solicitation(ours, theirs, 0x361D90B9A2D3)
    assert str(ipaddress.ip_address(question.destination)) == "ff02::1:ff00:2"
    assert Neighbor.accept(question.to_bytes()) == question
    answer = question.answer(0x368C491D4602)
    assert (answer.source, answer.destination, answer.target) == (theirs, ours, theirs)
    assert Neighbor.accept(answer.to_bytes() + b"padding") == answer
    probe = dataclasses.replace(question, source=bytes(16), mac=None)
    assert Neighbor.accept(probe.to_bytes()) == probe
    assert Neighbor.accept(probe.answer(1).to_bytes()).destination == ALL_NODES
    refused = [
        dataclasses.replace(probe, mac=1),
        dataclasses.replace(probe, destination=theirs),
        dataclasses.replace(question, target=ALL_NODES),
        dataclasses.replace(answer, destination=ALL_NODES),
    ]
    data = answer.to_bytes()
    for packet in (*(each.to_bytes() for each in refused), data[:-1], data[:43] + b"\0" + data[44:]):
        with pytest.raises(Malformed):
            Neighbor.accept(packet)


CODECS = [
    Arp,
    ConfigAck,
    ErrorBody,
    ExtFrame,
    Frame,
    Gather,
    MulticastFrame,
    Neighbor,
    OkGather,
    OkMulticastFrame,
    OkWhois,
    PushDirectPaths,
    Rendezvous,
    Whois,
]


@given(st.sampled_from(CODECS), st.binary(max_size=120))
def test_anything_parses_or_is_malformed(codec: Any, data: bytes) -> None:
    parsed = None
    with contextlib.suppress(Malformed):
        parsed = codec.parse(data)
    if hasattr(parsed, "to_bytes"):
        assert codec.parse(parsed.to_bytes()) == parsed
