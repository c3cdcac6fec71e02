"""`fastzt demo`: the main job on a network of its own, on this machine alone."""

from __future__ import annotations

import click

from ..errors import FastztError
from . import http, options
from .output import say, show


@click.command()
@options.stack_option
@options.json_option
def demo(stack: str, as_json: bool) -> None:
    """Run a root, a controller and two members on loopback; fetch over HTTP from one to the other.

    With --stack overlay there are two members alone.

    Each step is printed as it happens (with --json to standard error), and a report at the end.
    """
    http.require_httpx()
    from ..lab import demo as lab

    def tell(step: str, text: str) -> None:
        click.echo(f"{step:<12}{text}", err=as_json)

    report = lab.run(tell, overlay=stack == options.OVERLAY)
    if as_json:
        show(report.to_json())
    else:
        for name, value in report.to_json().items():
            say(f"{name:<20}{value}")
    if report.http_status != 200 or not report.body_ok:
        raise FastztError(f"the demo failed: HTTP {report.http_status}, body intact: {report.body_ok}")
