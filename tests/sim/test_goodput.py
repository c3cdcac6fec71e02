"""The committed goodput table holds: no cell falls below its floor."""

from __future__ import annotations

import json

import pytest

import fastzt
from fastzt.netstack.tcp.congestion.registry import CONTROLLERS, DEFAULT

from .goodput import (
    BEGIN,
    CELLS,
    END,
    PAGE,
    RESULTS,
    SEEDS,
    Cell,
    Results,
    mean_shares,
    measure,
    share,
    table,
)

COMMITTED: Results = json.loads(RESULTS.read_text())
NAMES = sorted(CONTROLLERS)
OTHERS = [name for name in NAMES if name != DEFAULT]
# Each cell by the default and by one of the others, in turns; interpreted, the slow flows alone.
MOST = 1e9 if fastzt.is_compiled() else 5.0
MEASURED = [
    (cell, name)
    for i, cell in enumerate(CELLS)
    for name in (DEFAULT, OTHERS[i % len(OTHERS)])
    if max(COMMITTED[str(cell)][name]) <= MOST
]
LABELS = [f"{name}: {cell}" for cell, name in MEASURED]


def floor(cell: Cell, name: str) -> float:
    """A tenth below the worst seed, or a quarter where chance has a say."""
    return min(COMMITTED[str(cell)][name]) * (0.75 if cell.loss or cell.reorder else 0.9)


@pytest.mark.parametrize(("cell", "name"), MEASURED, ids=LABELS)
def test_a_cell(cell: Cell, name: str) -> None:
    assert measure(cell, name) >= floor(cell, name)


def test_the_page_shows_the_committed_table() -> None:
    shown = PAGE.read_text().split(BEGIN)[1].split(END)[0]
    assert shown.strip() == table(COMMITTED)
    assert {cell: {name: len(rates) for name, rates in row.items()} for cell, row in COMMITTED.items()} == {
        str(cell): dict.fromkeys(NAMES, len(SEEDS)) for cell in CELLS
    }


def test_the_default_is_the_best_of_the_table() -> None:
    shares = mean_shares(COMMITTED)
    assert max(shares, key=shares.__getitem__) == DEFAULT


@pytest.mark.parametrize("name", NAMES)
def test_clean_links_are_filled(name: str) -> None:
    for cell in CELLS:
        if not cell.loss and not cell.reorder:
            assert share(COMMITTED, cell, name) > (0.88 if cell.trip == 100 else 0.95)


@pytest.mark.parametrize("name", NAMES)
def test_reordering_alone_costs_at_most_a_fifth(name: str) -> None:
    for trip in (1, 20, 100):
        clean = share(COMMITTED, Cell(trip), name)
        assert share(COMMITTED, Cell(trip, reorder=3), name) >= 0.8 * clean


def test_bbr_hardly_minds_losses_below_its_threshold() -> None:
    for trip in (1, 20, 100):
        assert share(COMMITTED, Cell(trip, loss=1), "bbr") > 0.8
        assert share(COMMITTED, Cell(trip, loss=0.1), "bbr") > 0.85


def test_cubic_is_no_slower_than_reno() -> None:
    for cell in CELLS:
        assert share(COMMITTED, cell, "cubic") > 0.8 * share(COMMITTED, cell, "newreno")
