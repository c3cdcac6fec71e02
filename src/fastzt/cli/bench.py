"""`fastzt bench`: what this machine can do, measured on a network of its own."""

from __future__ import annotations

from typing import Any

import click

from ..errors import InputError
from . import options
from .output import progress, say, show


@click.command()
@click.option("--only", metavar="PART,...", show_envvar=True, help="Measure these parts alone: tcp.")
@click.option(
    "--seconds", type=click.FloatRange(min=0.1), default=5.0, show_default=True, help="Per measurement."
)
@click.option("--runs", type=click.IntRange(1, 99), default=5, show_default=True, help="Take the median of.")
@click.option("--suite", type=click.Choice(["1", "3"]), default="3", show_default=True, help="Cipher suite.")
@click.option("--flows", type=click.IntRange(1, 64), default=1, show_default=True, help="TCP flows at once.")
@click.option(
    "--write-size",
    type=click.IntRange(1, 1 << 26),
    default=1 << 18,
    show_default=True,
    help="Bytes a sendall.",
)
@click.option(
    "--rcvbuf", type=click.IntRange(4096), help="Limit SO_RCVBUF, in bytes as the system counts them."
)
@click.option("--cc", default="cubic", show_default=True, help="TCP congestion control.")
@options.json_option
def bench(as_json: bool, only: str | None, **given: Any) -> None:
    """Measure this machine: both ends in processes of their own, on a network of their own on loopback."""
    from ..lab.bench.measure import measure
    from ..lab.bench.parts import PARTS
    from ..lab.bench.settings import Settings

    parts = tuple(only.split(",")) if only else tuple(PARTS)
    for name in parts:
        if name not in PARTS:
            raise InputError(f"no part {name!r}: there are {', '.join(PARTS)}")
    settings = Settings(
        parts,
        given["seconds"],
        given["runs"],
        int(given["suite"]),
        given["flows"],
        given["write_size"],
        given["rcvbuf"],
        given["cc"],
    )
    with progress("starting") as update:
        found = measure(settings, update)
    if as_json:
        show(found)
        return
    for name, value in found.items():
        if isinstance(value, float):
            say(f"{name:<24}{value}")
