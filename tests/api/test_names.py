"""Names through a network's own DNS servers, asked over UDP and TCP on the network; another node answers."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from support.dns_house import DOMAIN, V4, House
from support.nodes import LOOPBACK, SECRETS, Pair, free_port, lab

import fastzt
from fastzt import aio
from fastzt.api import resolver as resolving
from fastzt.api.names import Dns, system
from fastzt.api.resolver import Resolver


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with lab() as made:
        nwid = made.network()
        a, b = made.node(1), made.node(2)
        made.authorize(nwid, a, b)
        house = House(Pair(made, nwid, a, b, a.join(nwid), b.join(nwid)))
        house.server.records = {
            f"files.{DOMAIN}": [("A", house.ip), ("AAAA", "fd00::7")],
            f"www.{DOMAIN}": [("CNAME", f"files.{DOMAIN}.")],
            f"loop.{DOMAIN}": [("CNAME", f"loop.{DOMAIN}.")],
            f"far.{DOMAIN}": [("A", "192.0.2.9")],
            f"two.{DOMAIN}": [("A", "10.121.15.201"), ("A", house.ip), ("A", "192.0.2.9")],
            "elsewhere.test": [("A", house.ip)],
        }
        house.configure(DOMAIN, house.ip)
        a.whois(house.ip, timeout=60)  # what is timed later finds it
        yield house


@pytest.fixture
def net(house: House) -> Iterator[fastzt.Network]:
    """Node a's network with an empty cache, its server as it should be."""
    house.server.answer = house.server.correct
    house.pair.net_a._resolver = Resolver(house.pair.net_a._reach, house.pair.net_a._reach_by_udp)
    house.server.asked.clear()
    yield house.pair.net_a
    house.server.answer = house.server.correct


@pytest.mark.parametrize("name", ["files", "FILES", f"files.{DOMAIN}", f"files.{DOMAIN}."])
def test_a_host_of_the_search_domain(net: fastzt.Network, house: House, name: str) -> None:
    assert net.resolve(name) == [ipaddress.ip_address(house.ip), ipaddress.ip_address("fd00::7")]
    assert house.server.asked == [f"files.{DOMAIN}. AAAA", f"files.{DOMAIN}. A"]


def test_an_alias(net: fastzt.Network, house: House) -> None:
    assert net.resolve("www")[0] == ipaddress.ip_address(house.ip)


def test_answers_are_kept(net: fastzt.Network, house: House) -> None:
    assert net.resolve("files") == net.resolve(f"files.{DOMAIN}")
    assert len(house.server.asked) == 2


def test_a_connection_by_name(net: fastzt.Network, house: House) -> None:
    with house.pair.net_b.listen(8053) as listener, net.connect(("files", 8053)) as near:
        far, _ = listener.accept()
        assert near.getpeername()[0] == house.ip
        far.close()
    with house.pair.net_b.listen(8054) as listener, house.pair.a.connect((f"www.{DOMAIN}", 8054)) as near:
        far, _ = listener.accept()
        far.close()


def test_a_connection_to_the_address_that_answers(net: fastzt.Network, house: House) -> None:
    """Of several, of which the first is nobody's; and when nobody listens at any."""
    for node in (net, house.pair.a):
        with house.pair.net_b.listen(8055) as listener, node.connect((f"two.{DOMAIN}", 8055), 30) as near:
            far, _ = listener.accept()
            assert near.getpeername()[0] == house.ip
            far.close()
    with pytest.raises(fastzt.HostUnreachableError):
        net.connect((f"two.{DOMAIN}", 8056), 30)
    with pytest.raises(TimeoutError, match=r"no connection to 10\.121\.15\.201 or "):
        net.connect((f"two.{DOMAIN}", 8056), 0.1)


def test_a_name_that_is_not_there(net: fastzt.Network) -> None:
    with pytest.raises(fastzt.NameResolutionError, match=f"knows no host nobody.{DOMAIN}"):
        net.connect((f"nobody.{DOMAIN}", 80))
    with pytest.raises(socket.gaierror):
        net.resolve(f"nobody.{DOMAIN}")


def test_single_labels_that_the_network_does_not_know_are_the_systems(
    net: fastzt.Network, house: House
) -> None:
    assert ipaddress.ip_address("127.0.0.1") in net.resolve("localhost")
    assert house.server.asked == [f"localhost.{DOMAIN}. AAAA", f"localhost.{DOMAIN}. A"]


def test_an_address_without_a_route(net: fastzt.Network) -> None:
    with pytest.raises(fastzt.NoRouteError, match="no route to far"):
        net.connect(("far", 80))


def test_literals_ask_nobody(net: fastzt.Network, house: House) -> None:
    assert net.resolve("10.9.8.7") == [ipaddress.ip_address("10.9.8.7")]
    assert system("10.9.8.7") == [V4 + bytes([10, 9, 8, 7])]
    assert house.server.asked == []


def test_over_udp(net: fastzt.Network, house: House) -> None:
    house.server.serve_udp()
    house.server.by_tcp = 0
    try:
        assert net.resolve("files")[0] == ipaddress.ip_address(house.ip)
        assert house.server.asked == [f"files.{DOMAIN}. AAAA", f"files.{DOMAIN}. A"]
        assert house.server.by_tcp == 0
    finally:
        house.server.stop_udp()


def test_both_families_are_asked_for_at_once(net: fastzt.Network, house: House) -> None:
    """The server answers nothing until it has been asked for both."""
    house.server.serve_udp()
    house.server.at_once = 2
    house.server.by_tcp = 0
    try:
        assert net.resolve("files")[0] == ipaddress.ip_address(house.ip)
        assert len(house.server.asked) == 2
        assert house.server.by_tcp == 0
    finally:
        house.server.at_once = 1
        house.server.stop_udp()


def test_in_an_event_loop(house: House) -> None:
    """Both families at once there, too; one that is refused is done without."""

    async def ask() -> None:
        pair = house.pair
        port = free_port()
        async with aio.Node(planet=pair.lab.planet, config=LOOPBACK, identity=SECRETS[3], port=port) as node:
            pair.lab.authorize(pair.nwid, node)  # type: ignore[arg-type]
            net = await node.join(pair.nwid)
            await node.whois(house.ip, timeout=60)  # what is timed later finds it
            house.server.at_once = 2
            assert [str(ip) for ip in await net.resolve("files")] == [house.ip, "fd00::7"]
            assert len(house.server.asked) == 2
            house.server.at_once = 1
            house.server.answer = without_ipv6(house)
            assert [str(ip) for ip in await net.resolve("www")] == [house.ip]
            house.server.truncates = True
            house.server.answer = house.server.correct
            assert [str(ip) for ip in await net.resolve(f"far.{DOMAIN}")] == ["192.0.2.9"]

    house.server.answer = house.server.correct
    house.server.asked.clear()
    house.server.serve_udp()
    try:
        asyncio.run(asyncio.wait_for(ask(), 120))
    finally:
        house.server.at_once, house.server.truncates = 1, False
        house.server.answer = house.server.correct
        house.server.stop_udp()


def without_ipv6(house: House, bad: Callable[[dns.message.Message], bytes | None] | None = None) -> Any:
    """The server's answers, but a bad one to each question for IPv6 addresses."""
    wrong = bad or refused

    def answer(query: dns.message.Message) -> bytes | None:
        asked = query.question[0].rdtype
        return wrong(query) if asked == dns.rdatatype.AAAA else house.server.correct(query)

    return answer


def test_a_server_that_does_not_answer_for_one_family(net: fastzt.Network, house: House) -> None:
    """It refuses the question, or keeps silent: the other family's addresses are used."""
    house.server.serve_udp()
    try:
        for bad in (refused, lambda query: None):
            house.server.answer = without_ipv6(house, bad)
            net._resolver = Resolver(net._reach, net._reach_by_udp)
            assert net.resolve("files") == [ipaddress.ip_address(house.ip)]
            net._resolver = Resolver(net._reach, net._reach_by_udp)
            with house.pair.net_b.listen(8057) as listener, net.connect(("files", 8057), 30):
                listener.accept()[0].close()
    finally:
        house.server.stop_udp()


def test_what_is_too_long_for_udp_is_asked_over_tcp(net: fastzt.Network, house: House) -> None:
    house.server.serve_udp()
    house.server.by_tcp = 0
    house.server.truncates = True
    try:
        assert net.resolve("files")[0] == ipaddress.ip_address(house.ip)
        assert house.server.by_tcp == 2
    finally:
        house.server.truncates = False
        house.server.stop_udp()


BAD_ANSWERS = {
    "none": lambda query: None,
    "noise": lambda query: b"\0" * 20,
    "too short": lambda query: b"1",
    "another question": lambda query: dns.message.make_response(
        dns.message.make_query("other.example", "A")
    ).to_wire(),
    "refusal": lambda query: refused(query),
}


def refused(query: dns.message.Message) -> bytes:
    made = dns.message.make_response(query)
    made.set_rcode(dns.rcode.SERVFAIL)
    return made.to_wire()


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_a_server_that_answers_badly(net: fastzt.Network, house: House, kind: str) -> None:
    house.server.answer = BAD_ANSWERS[kind]
    with pytest.raises(fastzt.NameResolutionError, match="no answer from the network's DNS servers"):
        net.resolve("files")
    house.server.answer = house.server.correct
    assert net.resolve("files")


def test_a_loop_of_aliases_ends(net: fastzt.Network) -> None:
    with pytest.raises(fastzt.NameResolutionError):
        net.resolve("loop")


def test_the_next_server_answers_when_the_first_is_not_there(net: fastzt.Network, house: House) -> None:
    house.configure(DOMAIN, "203.0.113.1", house.ip)
    try:
        assert net.resolve("files")
    finally:
        house.configure(DOMAIN, house.ip)


def test_without_a_domain_every_name_is_the_networks_first(net: fastzt.Network, house: House) -> None:
    house.configure("", house.ip)
    try:
        assert net.resolve("elsewhere.test") == [ipaddress.ip_address(house.ip)]
        assert ipaddress.ip_address("127.0.0.1") in net.resolve("localhost")
    finally:
        house.configure(DOMAIN, house.ip)


def test_names_that_cannot_be(net: fastzt.Network) -> None:
    for name in ("a" * 64, f"{'a.' * 140}{DOMAIN}"):
        with pytest.raises(fastzt.InputError, match="not a host name"):
            net.resolve(name)


def test_status_tells_it(house: House) -> None:
    [network] = house.pair.a.status()["networks"]
    assert network["dns"] == {"domain": DOMAIN, "servers": [house.ip]}
    assert network["routes"] == [{"target": "10.121.15.0/24", "via": None, "metric": 0}]
    assert network["mtu"] == 2800


@pytest.mark.parametrize(
    ("domain", "host", "full"),
    [
        ("a.example", "x", "x.a.example"),
        ("a.example", "x.", None),
        ("a.example", "x.a.example", "x.a.example"),
        ("a.example", "X.A.Example.", "x.a.example"),
        ("a.example", "a.example", "a.example"),
        ("a.example", "xa.example", None),
        ("a.example", "x.b.example", None),
        ("", "x.b.example", "x.b.example"),
    ],
)
def test_whose_a_name_is(domain: str, host: str, full: str | None) -> None:
    assert Dns(domain, (bytes(16),)).full_name(host) == full
    assert Dns(domain, ()).full_name(host) is None


def unreachable(*where: object) -> Any:
    raise OSError


def test_the_cache_is_capped_and_answers_expire() -> None:
    asked = []
    now = [0.0]
    kept = Resolver(unreachable, unreachable, clock=lambda: now[0])

    def ask_all(*rest: object) -> tuple[list[bytes], float]:
        name = str(rest[1])
        asked.append(name)
        return [bytes(16)], 60.0

    kept._ask_all = ask_all  # type: ignore[method-assign]
    for i in range(resolving.MAX_CACHE + 5):
        kept.lookup((), f"host{i}", 1)
    assert len(kept._cache) == resolving.MAX_CACHE
    kept.lookup((), "host10", 1)
    assert len(asked) == resolving.MAX_CACHE + 5
    now[0] = 61.0
    kept.lookup((), "host10", 1)
    assert len(asked) == resolving.MAX_CACHE + 6
