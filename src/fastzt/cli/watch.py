"""The live view of `fastzt status` and `peers`: drawn anew on a terminal, look after look in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .output import say, show

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..api.node import Node

Command = TypeVar("Command", bound=Callable[..., Any])


def watch_options(command: Command) -> Command:
    """--watch (`again`) and --every."""
    command = click.option(
        "--every",
        type=click.FloatRange(min=0.1),
        default=1.0,
        show_default=True,
        show_envvar=True,
        metavar="SECONDS",
        help="Between two looks of --watch.",
    )(command)
    return click.option(
        "--watch", "again", is_flag=True, show_envvar=True, help="Look again and again until interrupted."
    )(command)


def status(node: Node, every: float, as_json: bool) -> None:
    """Watch the node's status."""
    from .status import status_lines

    look_again(node.status, every, as_json, status_lines, lambda told: status_view(told, node.peers()))


def peers(node: Node, every: float, as_json: bool) -> None:
    """Watch its peers."""
    from .status import COLUMNS, peer_rows

    def lines(found: list[dict[str, Any]]) -> list[str]:
        return ["\t".join(row) for row in (COLUMNS, *peer_rows(found))]

    look_again(node.peers, every, as_json, lines, peers_view)


def look_again(
    look: Callable[[], Any],
    every: float,
    as_json: bool,
    lines: Callable[[Any], list[str]],
    view: Callable[[Any], RenderableType],
) -> None:
    """Look each `every` seconds until interrupted, which is no failure."""
    try:
        if as_json or not sys.stdout.isatty():
            tell_again(look, every, as_json, lines)
        else:
            draw_again(look, every, view)
    except KeyboardInterrupt:
        return


def tell_again(
    look: Callable[[], Any], every: float, as_json: bool, lines: Callable[[Any], list[str]]
) -> None:
    """One JSON value a line, or lines with an empty one behind each look."""
    while True:
        told = look()
        if as_json:
            show(told)
        else:
            say("\n".join(lines(told)) + "\n")
        time.sleep(every)


def draw_again(look: Callable[[], Any], every: float, view: Callable[[Any], RenderableType]) -> None:
    """On the terminal's other screen."""
    from rich.live import Live

    live = Live(view(look()), screen=True, auto_refresh=False)
    try:  # no `with`: an interrupt while it begins must bring the first screen back too
        live.start()
        while True:
            live.update(view(look()), refresh=True)
            time.sleep(every)
    finally:
        live.stop()


def status_view(told: dict[str, Any], found: list[dict[str, Any]]) -> RenderableType:
    """The status above the peers."""
    from rich.console import Group
    from rich.text import Text

    from .status import status_lines

    style = "green" if told["online"] else "red"
    first, *rest = status_lines(told)
    return Group(Text(first, style=f"bold {style}"), *map(Text, rest), Text(""), peers_view(found))


def peers_view(found: list[dict[str, Any]]) -> RenderableType:
    """A table, those that are reached directly in green."""
    from rich.table import Table
    from rich.text import Text

    from .status import COLUMNS, peer_rows

    colors = {"direct": "green", "relayed": "yellow"}
    drawn = Table(*COLUMNS, box=None, pad_edge=False, expand=True)
    for peer, row in zip(found, peer_rows(found), strict=True):
        drawn.add_row(*map(Text, row), style=colors.get(peer["connection"], "red"))
    return drawn
