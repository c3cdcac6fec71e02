"""`fastzt doctor`: what keeps a node from working, and what to do about it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..errors import FastztError
from . import options, own
from .output import progress, say, show

if TYPE_CHECKING:
    from ..api.findings import Finding

MARKS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}
COLORS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command()
@click.option(
    "--network",
    "-n",
    "networks",
    type=options.NETWORK,
    multiple=True,
    envvar="FASTZT_NETWORK",
    show_envvar=True,
    help="Look at this network. Repeatable. Default: those that the state knows.",
)
@click.option("--to", metavar="IP", type=options.IP, show_envvar=True, help="See how this IP is reached.")
@options.timeout_option(20.0)
@options.state_option
@options.planet_option
@options.reach_options
@options.json_option
def doctor(
    networks: tuple[int, ...],
    to: object,
    timeout: float,
    state: str,
    planet: str | None,
    udp_port: int,
    as_json: bool,
) -> None:
    """Look for what keeps a node from working, and say what to do about it; status 1 when there is a problem.

    A warning is something that works, but not well: packets that take the way through a root, small buffers.
    """
    from ..api.doctor import Doctor

    names = tuple(f"{nwid:016x}" for nwid in networks)
    where = None if to is None else str(to)
    place = None if own.is_ephemeral() else state
    doctor = Doctor(
        place, options.node_config(), planet, udp_port, names, where, timeout, identity=own.identity()
    )
    found: list[Finding] = []
    with progress("looking"):
        for finding in doctor.findings():
            found.append(finding)
            if not as_json:
                tell(finding)
    problems = sum(finding.level == "problem" for finding in found)
    if as_json:
        show({"ok": not problems, "findings": [asdict(finding) for finding in found]})
    if problems:
        raise FastztError(f"{problems} problem{'s' if problems > 1 else ''} found")


def tell(finding: Finding) -> None:
    """One finding, and what to do."""
    mark = MARKS[finding.level]
    if sys.stdout.isatty():
        mark = click.style(mark, fg=COLORS[finding.level])
    say(f"{mark} {finding.check}: {finding.what}")
    if finding.advice:
        say(f"        -> {finding.advice}")
