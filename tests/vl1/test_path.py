"""Path and PathTable: quality, mtu, eviction."""

from __future__ import annotations

from fastzt._core.endpoint import Endpoint
from fastzt.vl1.path import Path, PathTable
from fastzt.vl1.timing import PATH_ALIVE, PATH_EXPIRY, SECOND

HERE = Endpoint.parse("10.0.0.1", 9993)


def at(n: int) -> Endpoint:
    return Endpoint(n.to_bytes(4, "big"), 9993)


def test_alive_and_expired() -> None:
    path = Path(0, HERE)
    assert not path.is_alive(5)
    path.last_in = path.last_receive = SECOND
    assert path.is_alive(SECOND + PATH_ALIVE - 1)
    assert not path.is_alive(SECOND + PATH_ALIVE)
    assert not path.is_expired(SECOND + PATH_EXPIRY - 1)
    assert path.is_expired(SECOND + PATH_EXPIRY)


def test_private_beats_global_and_heard_beats_silent() -> None:
    private, public = Path(0, HERE), Path(0, Endpoint.parse("8.8.8.8", 9993))
    for path in (private, public):
        path.last_in = SECOND
        path.measured(10_000)
    assert private.quality(SECOND) < public.quality(SECOND)
    later = SECOND + 2 * PATH_ALIVE
    public.last_in = later
    assert public.quality(later) < private.quality(later)


def test_latency_is_smoothed() -> None:
    path = Path(0, HERE)
    path.measured(10_000)
    path.measured(20_000)
    assert path.latency_us == 15_000


def test_mtu_steps_down_to_the_floor() -> None:
    path = Path(0, HERE)
    path.fits(1450 - 28)
    assert path.mtu == 1422
    sizes = []
    while path.too_big(path.mtu):
        sizes.append(path.mtu)
    assert sizes == sorted(sizes, reverse=True)
    assert path.mtu == 548
    path.fits(9000)
    assert path.mtu == 1432
    assert not path.too_big(1500)


def test_table_keeps_owned_paths_when_strangers_flood_it() -> None:
    table = PathTable(64)
    mine = table.get(0, HERE, 1)
    mine.owner = 7
    for n in range(10_000):
        table.get(0, at(n + 1), 2).last_in = 2
    assert table.count <= 65  # 64 strangers beside ours
    assert table.evicted > 9_000
    assert table.get(0, Endpoint.parse("10.0.0.1", 9993), 3) is mine


def test_table_tells_sockets_apart_and_forgets_closed_ones() -> None:
    table = PathTable(64)
    assert table.get(0, HERE, 1) is not table.get(1, HERE, 1)
    assert [path.socket for path in table.keep_sockets({1})] == [0]
    assert [path.socket for path in table.all()] == [1]
    assert table.count == 1


def test_a_path_takes_the_endpoint_that_its_socket_gives() -> None:
    table = PathTable(64)
    heard, again = Endpoint(bytes([10, 0, 0, 1]), 9993), Endpoint(bytes([10, 0, 0, 1]), 9993)
    path = table.get(0, heard, 0)
    assert table.get(0, again, 1) is path
    assert path.endpoint is again
    assert table.get(1, again, 2) is not path
    assert table.count == 2
