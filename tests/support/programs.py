"""Programs of the system that tests work with."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """The path of a program; without it the test is skipped, or fails with FASTZT_REQUIRE_INTEROP=1."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is not None:
        return found
    reason = f"{name} is not installed (Debian: {package})"
    if os.environ.get("FASTZT_REQUIRE_INTEROP", "") not in ("", "0"):
        pytest.fail(reason)
    pytest.skip(reason)
