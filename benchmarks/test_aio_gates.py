"""asyncio beside the blocking API, and beside stock asyncio over the kernel's TCP; two processes each."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

import pytest
from aio_flows import Flows
from gate import ANY, hold

import fastzt

KINDS = ("threads", "protocol", "streams", "tls", "start_tls")
TRIP_KINDS = ("kernel-protocol", "protocol", "kernel-streams", "streams")
SECONDS = 0.4
TRIPS = 500
TURNS = 5


@pytest.fixture(scope="module")
def flows() -> Iterator[Flows]:
    made = Flows(KINDS)
    yield made
    made.close()


@pytest.mark.skipif(not fastzt.is_compiled(), reason="the compiled build's figures")
def test_asyncio_against_threads(benchmark: Any, flows: Flows) -> None:
    """A BufferedProtocol, streams, and streams under TLS, from the start and by `start_tls`, to the blocking
    API's `sendall` and `recv_into`.
    """

    def ratios() -> dict[str, float]:
        rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for _ in range(TURNS):
            for kind, found in rates.items():
                found.append(flows.flow(kind, SECONDS))
        base = statistics.median(rates.pop("threads"))
        medians = {kind: statistics.median(found) for kind, found in rates.items()}
        return {f"asyncio {kind} to threads": median / base for kind, median in medians.items()}

    hold(benchmark, ratios, ANY)


@pytest.mark.skipif(not fastzt.is_compiled(), reason="the compiled build's figures")
def test_round_trips_against_the_kernels(benchmark: Any) -> None:
    """Microseconds of 64 bytes there and back by stock asyncio over the kernel's TCP, to those of ours."""
    flows = Flows(TRIP_KINDS)

    def ratios() -> dict[str, float]:
        taken: dict[str, list[float]] = {kind: [] for kind in TRIP_KINDS}
        for _ in range(TURNS):
            for kind, found in taken.items():
                found.append(flows.trips(kind, TRIPS))
        medians = {kind: statistics.median(found) for kind, found in taken.items()}
        return {
            f"asyncio {kind} round trips to the kernel's": medians[f"kernel-{kind}"] / medians[kind]
            for kind in ("protocol", "streams")
        }

    try:
        hold(benchmark, ratios, ANY)
    finally:
        flows.close()
