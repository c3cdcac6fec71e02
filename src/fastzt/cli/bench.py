"""`fastzt bench`: what this machine can do, measured on a network of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError
from . import charts, options
from .output import progress, show

if TYPE_CHECKING:
    from ..lab.bench.settings import Settings


@click.command()
@click.option("--only", metavar="PART,...", show_envvar=True, help="Parts to measure; `all` for every one.")
@click.option(
    "--seconds", type=click.FloatRange(min=0.1), default=5.0, show_default=True, help="A measurement."
)
@click.option(
    "--runs", type=click.IntRange(1, 99), default=5, show_default=True, help="Take the median of these."
)
@click.option("--suite", type=click.Choice(["1", "3"]), default="3", show_default=True, help="Cipher suite.")
@click.option(
    "--flows", type=click.IntRange(1, 64), default=1, show_default=True, help="TCP flows at a time."
)
@click.option(
    "--write-size",
    type=click.IntRange(1, 1 << 26),
    default=1 << 18,
    show_default=True,
    help="Bytes a sendall.",
)
@click.option(
    "--rcvbuf", type=click.IntRange(4096), help="Limit SO_RCVBUF to as many bytes as the system counts."
)
@click.option("--cc", default="cubic", show_default=True, help="TCP congestion control.")
@click.option(
    "--crowd", type=click.IntRange(1, 15000), default=10000, show_default=True, help="Idle connections."
)
@click.option("--plot", metavar="FILE.png", help="Draw a chart into a file (needs fastzt[plot]).")
@options.json_option
def bench(as_json: bool, plot: str | None, **given: Any) -> None:
    """Measure this machine: both ends in processes of their own, on a network of their own on loopback.

    Parts: armor, tcp, rtt, connects, warm, idle; and, not measured unless named: crowd (a flow beside idle
    connections), busy (beside threads that compute in Python).
    """
    from ..lab.bench.measure import measure

    if plot:
        charts.require_matplotlib()
    settings = settings_of(given)
    with progress("starting") as update:
        found = measure(settings, update)
    if plot:
        charts.plot(found, plot)
    if as_json:
        show(found)
    else:
        charts.draw(found)


def settings_of(given: dict[str, Any]) -> Settings:
    """The settings that options ask for; raises InputError for a name that is none."""
    from ..lab.bench.parts import PARTS, USUAL
    from ..lab.bench.settings import Settings
    from ..netstack.tcp.congestion.registry import CONTROLLERS

    only = given["only"]
    parts = tuple(PARTS) if only == "all" else tuple(only.split(",")) if only else USUAL
    for name in parts:
        if name not in PARTS:
            raise InputError(f"no part {name!r}: there are {', '.join(PARTS)}")
    if given["cc"] not in CONTROLLERS:
        raise InputError(f"no congestion control {given['cc']!r}: there are {', '.join(sorted(CONTROLLERS))}")
    return Settings(
        parts,
        given["seconds"],
        given["runs"],
        int(given["suite"]),
        given["flows"],
        given["write_size"],
        given["rcvbuf"],
        given["cc"],
        given["crowd"],
    )
