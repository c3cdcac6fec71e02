"""Port mapping without its library; with it and a real router: `tests/interop/test_upnp.py`."""

from __future__ import annotations

import sys

import pytest

import fastzt
from fastzt.errors import InputError
from fastzt.io.port_mapping import PortMapping
from fastzt.node.config import NodeConfig


def test_without_its_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "miniupnpc", None)
    with pytest.raises(InputError, match=r"fastzt\[upnp\]"):
        PortMapping(9993, lambda found: None)
    with pytest.raises(InputError, match=r"fastzt\[upnp\]"):
        fastzt.Node(config=NodeConfig(bind=("127.0.0.1",), upnp=True))
