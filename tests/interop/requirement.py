"""What the interop tests need, and may have to do without."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def unavailable(reason: str) -> NoReturn:
    """Skip with the reason; with FASTZT_REQUIRE_INTEROP=1 fail instead."""
    if os.environ.get("FASTZT_REQUIRE_INTEROP", "") not in ("", "0"):
        pytest.fail(f"interop is required, but {reason}")
    pytest.skip(reason)
