from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.nodes import Pair, lab


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with lab() as made:
        nwid = made.network()
        a, b = made.node(1), made.node(2)
        made.authorize(nwid, a, b)
        yield Pair(made, nwid, a, b, a.join(nwid), b.join(nwid))
