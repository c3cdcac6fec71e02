"""Overlays: nodes that are given each other's identities and endpoints, no root, no controller."""

from __future__ import annotations

import ipaddress
import os
import threading
from typing import Any

import pytest
from support.nodes import LOOPBACK, SECRETS
from support.ports import free_port

import fastzt
from fastzt.identity.identity import Identity
from fastzt.node import overlay

NETWORK = f"{overlay.NETWORK:016x}"


def peer_of(number: int, port: int) -> str:
    return f"{Identity.parse(SECRETS[number]).to_text()}@127.0.0.1/{port}"


def node(number: int, port: int, *peers: str, **options: Any) -> fastzt.Node:
    return fastzt.Node(identity=SECRETS[number], port=port, peers=peers, config=LOOPBACK, **options)


def greet(client: fastzt.Network, server: fastzt.Network, port: int) -> None:
    """One connection, both directions."""
    address = str(next(a for a in server.addresses if a.version == 4).ip)
    with server.listen(port) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(100).upper())

        thread = threading.Thread(target=answer)
        thread.start()
        with client.connect((address, port), timeout=30) as near:
            near.sendall(b"hello")
            assert near.recv(100) == b"HELLO"
            assert near.peer_id == server.node.id
        thread.join(30)


def test_two_nodes_of_which_one_knows_the_other() -> None:
    ports = free_port(), free_port()
    with node(1, ports[0]) as b, node(2, ports[1], peer_of(1, ports[0])) as a:
        net_b, net_a = b.join(NETWORK), a.join(NETWORK)
        low = int(SECRETS[1][:10], 16) & 0xFFFFFF
        assert ipaddress.ip_interface(f"10.{low >> 16}.{low >> 8 & 255}.{low & 255}/8") in net_b.addresses
        greet(net_a, net_b, 7001)
        greet(net_b, net_a, 7002)
        assert net_a.status == "OK"


def test_the_one_that_is_called_may_start_later() -> None:
    ports = free_port(), free_port()
    with node(2, ports[1], peer_of(1, ports[0])) as a:
        net_a = a.join(NETWORK)
        with node(1, ports[0]) as b:
            net_b = b.join(NETWORK)
            deadline = 100
            while not a.status()["online"] and deadline:
                a.events(timeout=0.3)
                deadline -= 1
            assert a.status()["online"]
            greet(net_a, net_b, 7003)


def test_ipv6_with_a_port_range() -> None:
    network = "ff1b591b5a000000"  # 7001 to 7002
    ports = free_port(), free_port()
    with node(1, ports[0]) as b, node(2, ports[1], peer_of(1, ports[0])) as a:
        net_b, net_a = b.join(network), a.join(network)
        [own] = net_b.addresses
        with net_b.listen(7001) as listener, net_a.connect((str(own.ip), 7001), timeout=30) as near:
            connection, _ = listener.accept()
            assert near.getpeername()[0] == str(own.ip)
            connection.close()
        with pytest.raises((OSError, TimeoutError)):
            net_a.connect((str(own.ip), 7003), timeout=2)


def test_what_is_not_known_cannot_be_joined() -> None:
    with node(1, 0) as a:
        with pytest.raises(fastzt.InputError, match="names no ad-hoc network"):
            a.join("ff00000000000002")
        with pytest.raises(fastzt.NetworkNotFoundError):
            a.join("ff00640063000000")
        assert a.networks == []


GOOD = peer_of(1, 9993)


@pytest.mark.parametrize(
    ("peers", "what"),
    [
        (["nobody"], "identity@ip/port expected"),
        ([GOOD.partition("@")[0]], "identity@ip/port expected"),
        ([f"{GOOD.partition('@')[0]}@somewhere/1"], "not an endpoint"),
        ([f"{GOOD},10.0.0.1"], "not an endpoint"),
        ([GOOD, GOOD], "given twice"),
        ([GOOD] * (overlay.MAX_PEERS + 1), "at most"),
        (["0123456789:0:00@10.0.0.1/1"], "identity"),
    ],
)
def test_peers_that_are_none(peers: list[str], what: str) -> None:
    with pytest.raises(fastzt.InputError, match=what):
        fastzt.Node(peers=peers)


def test_a_planet_and_peers_do_not_go_together() -> None:
    with pytest.raises(fastzt.InputError, match="not both"):
        fastzt.Node(planet=b"", peers=[])


def test_nobody_can_replace_the_planet_of_an_overlay() -> None:
    made = overlay.planet([GOOD], os.urandom)
    again = overlay.planet([GOOD], os.urandom)
    assert made.update_key != again.update_key
    assert made.id != again.id
