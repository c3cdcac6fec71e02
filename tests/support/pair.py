"""Tests of both builds in one process: the module in use and its interpreted twin."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from .pure import twin

# Derandomized: the same examples in every run. On both builds and a model, so no deadline.
PROPERTY = settings(
    derandomize=True, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)

# Long runs of operations, where the short examples of hypothesis do not get to.
SEEDS = pytest.mark.parametrize("seed", range(6))


def modules(name: str) -> list[ModuleType]:
    """`fastzt._core.<name>`: the module in use, and its interpreted twin."""
    return [importlib.import_module(f"fastzt._core.{name}"), twin(f"fastzt._core.{name}")]


def slabs() -> list[Any]:
    """The Slab classes that go with `modules`."""
    return [m.Slab for m in modules("slab")]


def pair(name: str) -> pytest.MarkDecorator:
    """Run a test once for each of `modules` as `m`, with its Slab class as `make`."""
    return pytest.mark.parametrize(
        ("m", "make"), list(zip(modules(name), slabs(), strict=True)), ids=["built", "interpreted"]
    )


def slab_of(make: Any, data: bytes, offset: int = 3) -> Any:
    """A slab with `data` at an odd offset."""
    s = make(offset + len(data))
    s.view[offset:] = data
    return s
