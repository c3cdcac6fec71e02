"""Which of several workers (`pytest -n 4`) has which tests: files whole, with those that share a lab."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

# The scenes of tests/interop live as long as a worker: one worker has them all.
SCENES = "scenes"
WITH_SCENES = {
    f"tests/interop/test_{name}.py"
    for name in ("authorization", "filters", "http", "recovery", "transfer", "udp", "uptime")
}
# What takes longest begins first, so that no worker is left with it at the end.
LONG = (
    SCENES,
    "tests/test_code",
    "tests/interop/",
    "tests/cli/",
    "tests/sim/",
    "tests/api/",
    "tests/integrations/",
)


def group(nodeid: str) -> str:
    """The name of what one worker runs in one go."""
    file = nodeid.partition("::")[0]
    return SCENES if file in WITH_SCENES else file


def rank(item: pytest.Item) -> int:
    """How late a test begins."""
    mine = group(item.nodeid)
    return next((number for number, begin in enumerate(LONG) if mine.startswith(begin)), len(LONG))


class Groups(LoadScopeScheduling):
    """Each group to the next worker that is free, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
