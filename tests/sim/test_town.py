"""An hour among fifty members: nothing grows past its cap, and in the end everybody reaches everybody."""

from __future__ import annotations

from collections import Counter

import pytest
from support.tables import excess

import fastzt

from .town import Churn, Town
from .world import SECOND

SIZE, MINUTES = (50, 60) if fastzt.is_compiled() else (8, 6)  # interpreted: a 60th of the work
LONGEST_MISHAP = 400  # seconds


def live(town: Town, minutes: int) -> None:
    """Let time pass, and look at every table each minute."""
    for _ in range(minutes):
        town.run_for(60)
        for host in town.hosts.values():
            assert excess(host.core) == []
            host.events.clear()


@pytest.mark.timeout(900)  # a minute of computing, beside other tests
def test_an_hour_of_churn() -> None:
    town = Town(seed=1, size=SIZE)
    town.run_until(town.is_settled, 60)
    town.begin_calls(share=0.05)
    churn = Churn(town)
    live(town, MINUTES)
    assert len(churn.counts) >= 5
    churn.going = False
    live(town, LONGEST_MISHAP // 60 + 1)
    assert town.is_settled()
    assert town.ping_all(60) == []

    for call in town.calls:
        assert call.total > MINUTES * 60 * 20, (call.client.name, call.server.name)
    counted: Counter[str] = Counter()
    for host in town.hosts.values():
        assert host.core.switch.bugs.last is None
        counted.update(host.core.stats.as_dict())
        assert len(host.core.switch.peers()) < len(town.hosts)
        for nwid in host.core.network_ids():
            assert host.core.network(nwid).sink.stack.flows.count < 4 * len(town.calls)
    assert counted["vl1.relayed"] > 0
    assert {"vl1.raised", "vl1.forged", "vl1.malformed", "vl2.malformed"}.isdisjoint(counted)


def test_a_town_is_deterministic() -> None:
    def run() -> tuple[int, int]:
        town = Town(seed=5, size=4)
        town.run_until(town.is_settled, 60)
        town.begin_calls(share=1)
        Churn(town)
        town.run_for(90)
        return town.carried, sum(call.total for call in town.calls)

    assert run() == run()
    assert run()[1] > 0


def test_clocks_run_apart() -> None:
    town = Town(seed=2, size=2)
    a, b = town.members
    apart = b.now - a.now
    town.run_for(3600)
    drift = (b.now - a.now) - apart
    assert drift != 0
    assert abs(drift) <= 3600 * SECOND * 400 // 1_000_000
