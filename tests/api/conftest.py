from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.agents import Scene, agent_house
from support.nodes import Pair, lab


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with lab() as made:
        nwid = made.network()
        a, b = made.node(1), made.node(2)
        made.authorize(nwid, a, b)
        yield Pair(made, nwid, a, b, a.join(nwid), b.join(nwid))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """An agent and its client, and another member."""
    with agent_house(tmp_path_factory.mktemp("a")) as house:
        scene = Scene(house)
        yield scene
        scene.node.close()
