"""What commands print: results to standard output, progress to the terminal alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click


def show(value: Any) -> None:
    """One JSON value on one line, flushed: programs read it as it comes."""
    click.echo(json.dumps(value))
    sys.stdout.flush()


def say(text: str) -> None:
    """One line of result, flushed."""
    click.echo(text)
    sys.stdout.flush()


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """A spinner on standard error while something takes time; nothing at all in a pipe.

    What it gives changes the text.
    """
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status(text) as status:
        yield status.update


def table(columns: list[str], rows: list[list[str]]) -> None:
    """Rows under headings: drawn on a terminal, tab-separated in a pipe."""
    if not sys.stdout.isatty():
        for row in [columns, *rows]:
            say("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table

    drawn = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        drawn.add_row(*row)
    Console().print(drawn)
