"""Routes: what `way` remembers follows every change."""

from __future__ import annotations

import pytest

from fastzt.netstack.route import MAX_WAYS, RouteTable


def v4(text: str) -> bytes:
    return bytes(10) + b"\xff\xff" + bytes(map(int, text.split(".")))


FAR = v4("192.0.2.9")
GATEWAY = v4("10.1.1.1")


def test_a_way_is_found_and_remembered_until_something_changes() -> None:
    table = RouteTable()
    assert table.way(FAR) == (None, None)
    table.add_address(v4("10.1.1.2"), 24)
    assert table.way(FAR) == (None, None)
    table.set_routes([(v4("192.0.2.0"), 24, GATEWAY, 0)])
    assert table.way(FAR) == (GATEWAY, v4("10.1.1.2"))
    assert table.way(FAR) is table.way(FAR)
    table.add_address(v4("192.0.2.1"), 28)
    assert table.way(FAR) == (FAR, v4("192.0.2.1"))
    table.remove_address(v4("192.0.2.1"))
    assert table.way(FAR) == (GATEWAY, v4("10.1.1.2"))
    table.set_routes([])
    assert table.way(FAR) == (None, None)


def test_what_is_remembered_is_capped() -> None:
    table = RouteTable()
    table.add_address(v4("10.1.1.2"), 8)
    for i in range(3 * MAX_WAYS):
        table.way(v4(f"10.2.{i >> 8}.{i & 255}"))
    assert len(table._ways) <= MAX_WAYS


@pytest.mark.parametrize("ip", [FAR, GATEWAY, v4("10.1.1.77"), v4("10.1.2.1")])
def test_a_way_is_next_hop_and_source(ip: bytes) -> None:
    table = RouteTable()
    table.add_address(v4("10.1.1.2"), 24)
    table.set_routes([(v4("0.0.0.0"), 0, GATEWAY, 0)])
    for _ in range(2):
        assert table.way(ip) == (table.next_hop(ip), table.source_for(ip))
