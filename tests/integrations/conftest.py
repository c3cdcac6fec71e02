from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.aio_nodes import AioPair, aio_pair
from support.site import Site


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def pair(request: pytest.FixtureRequest) -> Iterator[AioPair]:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    with aio_pair(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def site(pair: AioPair) -> Iterator[Site]:
    made = Site(pair)
    pair.run(made.start())
    yield made
    pair.run(made.stop())
