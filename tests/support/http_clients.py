"""The httpx-like libraries that are there, each with its way through a network; httpx2 needs Python 3.11."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import pytest

NAMES = [name for name in ("httpx", "httpx2") if importlib.util.find_spec(name)]


def of(name: str) -> tuple[Any, Any]:
    """The library, and its integration."""
    return importlib.import_module(name), importlib.import_module(f"fastzt.integrations.{name}")


each = pytest.mark.parametrize(("library", "through"), [of(name) for name in NAMES], ids=NAMES)
