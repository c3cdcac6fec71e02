"""An idle node sleeps: how often timers and datagrams wake one that has joined, over ten virtual minutes."""

from __future__ import annotations

from .lab import Lab
from .world import Host

MINUTES = 10


def count_wakes(host: Host) -> list[int]:
    """Note the time of each of a host's turns from now on."""
    times: list[int] = []
    pump = host.pump

    def counted() -> None:
        times.append(host.world.now)
        pump()

    host.pump = counted  # type: ignore[method-assign]
    return times


def test_an_idle_member_wakes_less_than_twice_a_second() -> None:
    lab = Lab()
    a, b = lab.members
    lab.join(a, b)
    lab.connect(a, b)
    lab.run_for(30)
    wakes = {host.name: count_wakes(host) for host in (a, b)}
    lab.run_for(MINUTES * 60)
    for name, times in wakes.items():
        assert 0 < len(times) < 2 * 60 * MINUTES, name
        busiest = max(sum(1 for t in times if start <= t < start + 10_000_000) for start in times)
        assert busiest < 40, name  # no burst hides in the average
    assert a.core.is_usable(lab.nwid)
