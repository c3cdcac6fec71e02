"""A libzt node that does nothing stays online on fastzt's root."""

from __future__ import annotations

import pytest
from process import until
from scene import Scenes

pytestmark = pytest.mark.interop

IDLE = 120.0


def test_an_idle_node_stays_online(scenes: Scenes) -> None:
    """Its watch began with the first interop test, so that the others run beside it."""
    watch = scenes.idle()
    until(lambda: watch.offline or watch.age() > IDLE, "two minutes", IDLE + 30)
    watch.stop()
    assert watch.offline == []
    assert watch.asked > IDLE  # asked more than once a second
