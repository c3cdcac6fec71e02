"""Scopes against the reference's, and which addresses may be a path (PROTOCOL-VL1 7.2)."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from support.vectors import parametrize

from fastzt._core.endpoint import V4_PREFIX, Endpoint
from fastzt.vl1 import path_policy


@parametrize("inetaddress", "serialize")
def test_scope_is_the_reference_s(case: dict[str, Any]) -> None:
    if case["family"] not in (4, 6):
        assert case["ip_scope"] == 0
        return
    ip = bytes.fromhex(case["ip_bytes"])
    if case["family"] == 6 and ip.startswith(V4_PREFIX):
        assert path_policy.scope_of(ip) == path_policy.scope_of(Endpoint(ip[12:], 1).ip)
        return
    assert path_policy.scope_of(Endpoint(ip, 1).ip) == case["ip_scope"]


@parametrize("inetaddress", "contains")
def test_prefix_contains(case: dict[str, Any]) -> None:
    network = ipaddress.ip_interface(case["network"])
    ip = ipaddress.ip_address(case["ip"].partition("/")[0])
    if network.version != ip.version:
        assert not case["contains"]
        return
    if network.version == 6 and network.ip != network.network.network_address:
        assert path_policy.contains((network.ip.packed, network.network.prefixlen), ip.packed) is True
        return
    offset = 96 if network.version == 4 else 0
    prefix = (Endpoint(network.ip.packed, 0).ip, offset + network.network.prefixlen)
    assert path_policy.contains(prefix, Endpoint(ip.packed, 0).ip) == case["contains"]


def endpoint(host: str, port: int = 9993) -> Endpoint:
    return Endpoint.parse(host, port)


@pytest.mark.parametrize(
    ("host", "usable"),
    [
        ("10.1.2.3", True),
        ("8.8.8.8", True),
        ("192.0.2.1", True),
        ("11.0.0.1", True),
        ("127.0.0.1", False),
        ("169.254.1.1", False),
        ("224.0.0.1", False),
        ("0.1.2.3", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::2", False),
        ("ff02::1", False),
        ("2001:470::5", False),
        ("2001:db8::5", True),
        ("fd00::1", True),
    ],
)
def test_usable_by_scope(host: str, usable: bool) -> None:
    assert path_policy.is_usable(endpoint(host)) == usable


def test_port_zero_is_refused() -> None:
    assert not path_policy.is_usable(endpoint("10.0.0.1", 0))


def test_loopback_only_for_a_planet_that_lists_it() -> None:
    assert path_policy.is_usable(endpoint("127.0.0.1"), loopback=True)
    assert path_policy.is_usable(endpoint("::1"), loopback=True)
    assert not path_policy.is_usable(endpoint("169.254.0.1"), loopback=True)


def test_a_root_is_where_the_planet_says() -> None:
    listed = (endpoint("10.0.0.1"), endpoint("10.0.0.2"))
    assert path_policy.is_usable(endpoint("10.0.0.2", 5), root_endpoints=listed)
    assert not path_policy.is_usable(endpoint("10.0.0.3"), root_endpoints=listed)


def test_addresses_of_our_networks_are_refused() -> None:
    refused = [(endpoint("10.121.15.0").ip, 96 + 24)]
    assert not path_policy.is_usable(endpoint("10.121.15.99"), refused=refused)
    assert path_policy.is_usable(endpoint("10.121.16.99"), refused=refused)
