"""The command line: `fastzt`, or `python -m fastzt`."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with 0, 1 (it failed) or 2 (it was given something wrong)."""
    from .app import run

    run(arguments)
