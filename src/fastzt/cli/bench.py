"""`fastzt bench`: what this machine can do, measured on a network of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import InputError
from . import charts, options
from .output import progress, show

if TYPE_CHECKING:
    from ..lab.bench.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


def option(*names: str, **details: Any) -> Callable[[Command], Command]:
    """An option that names its default, if it has one, and its environment variable."""
    return click.option(*names, show_envvar=True, show_default="default" in details, **details)


@click.command()
@option("--only", metavar="PART,...", help="Parts to measure; `all` for every one.")
@option("--seconds", type=click.FloatRange(min=0.1), default=5.0, help="Seconds a measurement.")
@option("--runs", type=click.IntRange(1, 99), default=5, help="Take the median of so many.")
@option("--suite", type=click.Choice(["1", "3"]), default="3", help="Cipher suite.")
@option("--flows", type=click.IntRange(1, 64), default=1, help="TCP flows at a time.")
@option("--write-size", type=click.IntRange(1, 1 << 26), default=1 << 18, help="Bytes a sendall.")
@option("--rcvbuf", type=click.IntRange(4096), help="Limit SO_RCVBUF to so many bytes as the system counts.")
@option("--cc", default="cubic", help="TCP congestion control.")
@option("--crowd", type=click.IntRange(1, 15000), default=10000, help="Idle connections of the part crowd.")
@option("--switch-interval", type=click.FloatRange(0.01, 1000), help="Milliseconds, of the part busy.")
@option("--plot", metavar="FILE.png", help="Draw a chart into a file (needs fastzt[plot]).")
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
        given["switch_interval"] and given["switch_interval"] / 1000,
    )
