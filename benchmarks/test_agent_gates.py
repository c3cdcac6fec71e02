"""The agent's clients: one flow beside a CPU-bound thread in the program, and beside a process that spins."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from agent import agents, flow, prepared
from gate import ANY, hold
from support.nodes import lab

import fastzt

PLACES = ("send thread", "send process", "receive thread", "receive process")
SECONDS = 0.5
TURNS = 3


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], float]]:
    directory = tmp_path_factory.mktemp("agents")
    with lab() as scene:
        network = scene.network(private=False)
        states = [prepared(directory, number, scene.planet) for number in (1, 2)]
        how = {"agent": True, "planet": None, "network": network, "seconds": SECONDS}
        with agents(states):
            yield lambda spin: flow(states, {**how, "spin": spin})


@pytest.mark.skipif(not fastzt.is_compiled(), reason="the compiled build's figures")
def test_a_thread_that_spins(benchmark: Any, flows: Callable[[str], float]) -> None:
    """It takes from a flow what a process beside it takes, not a turn of the GIL for each call."""

    def ratios() -> dict[str, float]:
        rates: dict[str, list[float]] = {place: [] for place in PLACES}
        for _ in range(TURNS):
            for place, found in rates.items():
                found.append(flows(place))
        sending, beside_sending, receiving, beside_receiving = map(statistics.median, rates.values())
        return {
            "agent, spinning thread in the sender to process": sending / beside_sending,
            "agent, spinning thread in the receiver to process": receiving / beside_receiving,
        }

    hold(benchmark, ratios, ANY)
