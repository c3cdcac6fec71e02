"""Which of several workers (`pytest -n auto`) has which tests: files whole, with those that share a lab."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

# The scenes of tests/interop live as long as a worker: few workers make some.
SCENES = (("authorization", "filters", "http", "uptime"), ("recovery", "transfer", "udp"))
# What takes longest begins first, so that no worker is left with it at the end.
LONG = (
    "scenes",
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
    name = file.removeprefix("tests/interop/test_").removesuffix(".py")
    return next((f"scenes {names}" for names in SCENES if name in names), file)


def rank(item: pytest.Item) -> int:
    """How late a test begins."""
    mine = group(item.nodeid)
    return next((number for number, begin in enumerate(LONG) if mine.startswith(begin)), len(LONG))


class Groups(LoadScopeScheduling):
    """Each group to the next worker that is free, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
