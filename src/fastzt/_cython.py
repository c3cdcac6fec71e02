"""What the name `cython` stands for in an interpreted module: nothing is compiled, decorators pass through.

A compiled module never sees this file: Cython resolves `cython` itself.
"""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")
compiled = False


def final(item: T) -> T:
    """Return the item unchanged."""
    return item


cclass = final
