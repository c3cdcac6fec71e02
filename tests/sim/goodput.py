"""Goodput of one TCP flow between whole nodes over links of many kinds, by congestion control.

`python -m sim.goodput`, in tests/, measures every cell anew, with SEEDS, and writes goodput.json beside this
file and the table in docs/goodput.md; it takes some minutes. The clock is virtual and the links are seeded:
the same code gives the same numbers. Code that sends other packets meets other losses, and seeds tell how
it matters.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from fastzt.netstack.tcp.congestion.registry import CONTROLLERS

from .lab import Lab
from .world import MS, Link

MBIT = 1_000_000
SECONDS = 6.0
SEEDS = range(1, 6)
MTU = 1500  # in which queues are counted
PACKET = 1460  # bytes of IP that a full segment takes on the link
SEGMENT = 1342
BLOCK = random.Random(1).randbytes(1 << 16)
RESULTS = Path(__file__).with_name("goodput.json")
PAGE = Path(__file__).parents[2] / "docs" / "goodput.md"
Results = dict[str, dict[str, list[float]]]  # by cell and congestion control, one for each seed
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


@dataclass(frozen=True)
class Cell:
    """One link: `trip` is the round trip in ms, `loss` and `reorder` in percent, `rate` in Mbit/s.

    `buffer`: the bottleneck's queue in bandwidth-delay products, of 20 packets at least.
    """

    trip: int
    loss: float = 0.0
    reorder: float = 0.0
    rate: int = 20
    buffer: float = 1.0

    @property
    def link(self) -> Link:
        """The same for the simulation. A reordered packet is held back by a quarter of the round trip."""
        product = self.rate * MBIT * self.trip / 1000 / 8 / MTU
        return Link(
            loss=self.loss / 100,
            delay=self.trip * MS // 2,
            reorder=self.reorder / 100,
            held=self.trip * MS // 4,
            rate=self.rate * MBIT,
            queue=max(int(self.buffer * product), 20),
        )

    @property
    def capacity(self) -> float:
        """Mbit/s of payload that the link can carry."""
        return self.rate * SEGMENT / PACKET

    def __str__(self) -> str:
        text = f"{self.trip} ms, {self.loss:g} % lost, {self.reorder:g} % reordered, {self.rate} Mbit/s"
        return text if self.buffer == 1 else f"{text}, queue {self.buffer:g}"


CELLS = [
    *(Cell(trip, loss, reorder) for reorder in (0, 3) for trip in (1, 20, 100) for loss in (0, 0.1, 1, 5)),
    *(Cell(20, rate=rate) for rate in (1, 5, 80)),
    *(Cell(20, buffer=buffer) for buffer in (0.2, 4)),
    *(Cell(100, loss=1, rate=rate) for rate in (5, 80)),
]


def measure(cell: Cell, congestion: str, seconds: float = SECONDS, seed: int = 1) -> float:
    """Mbit/s that arrive in the first `seconds` of a flow, slow start included."""
    lab = Lab(seed=seed, congestion=congestion)
    a, b = lab.members
    lab.join(a, b)
    lab.connect(a, b, port=79)  # lets the two find their direct path, which then gets worse
    lab.run_for(1)
    lab.set_link("a", "b", cell.link)
    near, far = lab.connect(a, b)
    assert near.get_option("congestion") == congestion
    window = bytearray(1 << 18)
    received = 0

    def write(now: int) -> None:
        while near.write(BLOCK, now):
            pass

    def read(now: int) -> None:
        nonlocal received
        while n := far.read_into(window, now):
            received += n

    a.application, b.application = write, read
    a.pump()
    lab.run_for(seconds)
    assert near.error == far.error == 0
    return received * 8 / seconds / MBIT


def measure_all() -> Results:
    """Every cell by every congestion control."""
    return {
        str(cell): {
            name: [round(measure(cell, name, seed=seed), 3) for seed in SEEDS] for name in sorted(CONTROLLERS)
        }
        for cell in CELLS
    }


def table(results: Results) -> str:
    """The means for the page, with the share of what the link can carry, and the least."""
    names = sorted(CONTROLLERS)
    lines = [
        "| round trip | lost | reordered | rate, Mbit/s | queue, BDP | " + " | ".join(names) + " |",
        "|---" * (5 + len(names)) + "|",
    ]
    for cell in CELLS:
        row = results[str(cell)]
        best = max(mean(rates) for rates in row.values())
        link = f"| {cell.trip} ms | {cell.loss:g} % | {cell.reorder:g} % | {cell.rate} | {cell.buffer:g} "
        for name in names:
            text = f"{mean(row[name]):.2f} ({share(results, cell, name):.0%})"
            link += f"| **{text}** " if mean(row[name]) == best else f"| {text} "
            link += f"≥ {min(row[name]):.2f} "
        lines.append(link + "|")
    return "\n".join(lines)


def share(results: Results, cell: Cell, name: str) -> float:
    """The mean, as a share of what the link can carry."""
    return mean(results[str(cell)][name]) / cell.capacity


def mean_shares(results: Results) -> dict[str, float]:
    """The mean of the shares of all cells, by congestion control."""
    return {name: mean(share(results, cell, name) for cell in CELLS) for name in sorted(CONTROLLERS)}


def main() -> None:
    """Measure, and write both files."""
    results = measure_all()
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    head, rest = PAGE.read_text().split(BEGIN)
    tail = rest.split(END)[1]
    PAGE.write_text(f"{head}{BEGIN}\n{table(results)}\n{END}{tail}")
    print(table(results))
    print(mean_shares(results))


if __name__ == "__main__":
    main()
