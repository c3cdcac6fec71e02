"""The host's addresses: which are told to others, which lead into overlays, and word of changes."""

from __future__ import annotations

import contextlib
import queue
import socket
import struct
import sys

import pytest

from fastzt.io import interfaces, netlink
from fastzt.io.interfaces import Address, addresses, of
from fastzt.io.surroundings import Surroundings

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="netlink is Linux's")


def packed(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


@LINUX
def test_loopback_is_listed_and_not_told() -> None:
    found = [address for address in addresses() if address.interface == "lo"]
    assert of("lo", packed("127.0.0.1"), 8) in found
    assert not any(address.is_reachable or address.is_overlay for address in found)


@pytest.mark.parametrize(
    ("name", "ip", "reachable", "overlay"),
    [
        ("eth0", "10.0.0.2", True, False),
        ("eth0", "2001:db8::2", True, False),
        ("eth0", "fe80::1", False, False),
        ("eth0", "169.254.1.1", False, False),
        ("docker0", "172.17.0.1", False, False),
        ("zt5u4uutwm", "10.147.17.3", False, True),
        ("tailscale0", "100.64.0.7", False, True),
        ("wg0", "10.9.0.2", True, False),
    ],
)
def test_what_an_interface_is_good_for(name: str, ip: str, reachable: bool, overlay: bool) -> None:
    address = of(name, packed(ip), 24)
    assert (address.is_reachable, address.is_overlay) == (reachable, overlay)
    assert address.bits == (24 if ":" in ip else 120)


def test_where_the_system_lists_no_addresses_the_default_routes_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[tuple[str, bytes, int]]:
        raise OSError

    monkeypatch.setattr(netlink, "addresses", fail)
    assert all(len(address.ip) == 16 and not address.is_overlay for address in addresses())


@LINUX
def test_truncated_answers_of_netlink_give_nothing() -> None:
    body = netlink.IFADDRMSG.pack(socket.AF_INET, 24, 0, 0, 1)
    attribute = struct.pack("=HH4s", 8, netlink.IFA_LOCAL, packed("10.0.0.2"))
    assert netlink.address(body + attribute) == ("lo", packed("10.0.0.2"), 24)
    for n in range(len(body + attribute)):
        assert netlink.address((body + attribute)[:n]) is None
    whole = netlink.HEADER.pack(netlink.HEADER.size + len(body), netlink.RTM_NEWADDR, 0, 1, 0) + body
    assert [len(list(netlink.messages(whole[:n]))) for n in (0, 15, 16, len(whole) - 1)] == [0, 0, 0, 0]
    assert list(netlink.messages(whole * 2)) == [(netlink.RTM_NEWADDR, body)] * 2


def test_many_open_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A select call takes none above 1023."""
    monkeypatch.setattr("fastzt.io.surroundings.PERIOD", 0.01)
    counted: queue.Queue[int] = queue.Queue()
    monkeypatch.setattr(interfaces, "addresses", lambda: counted.put(1) or ())
    with contextlib.ExitStack() as stack:
        try:
            for _ in range(1100):
                stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        except OSError:
            pytest.skip("this process may not open so many")
        watched = Surroundings(lambda found: None)
        stack.callback(watched.close)
        watched.start()
        for _ in range(3):
            counted.get(timeout=10)


def test_a_change_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(of("eth0", packed("10.0.0.2"), 24),)]
    monkeypatch.setattr(interfaces, "addresses", lambda: found[0])
    monkeypatch.setattr("fastzt.io.surroundings.PERIOD", 0.01)
    told: queue.Queue[tuple[Address, ...]] = queue.Queue()
    watched = Surroundings(told.put)
    watched.start()
    try:
        assert told.get(timeout=10) == found[0]
        found[0] = (of("eth0", packed("10.0.0.3"), 24),)
        assert told.get(timeout=10) == found[0]
        assert told.empty()
    finally:
        watched.close()
        watched.close()
