"""The group of all commands, and what an error becomes: one line and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

import fastzt

from ..errors import FastztError, InputError
from . import (
    agent,
    bench,
    completion,
    controller,
    demo,
    doctor,
    forward,
    identity,
    moon,
    nc,
    network,
    planet,
    proxy,
    root,
    rules,
    settings,
    status,
    tcp_relay,
    udp,
)

FAILED = 1
USAGE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "FASTZT"})
@click.version_option(
    fastzt.__version__,
    message=f"%(prog)s %(version)s ({'compiled' if fastzt.is_compiled() else 'interpreted'})",
)
def group() -> None:
    """Put a Python program on a ZeroTier network, in user space."""


for command in (
    demo.demo,
    agent.agent,
    network.join,
    network.call,
    network.listen,
    forward.expose,
    forward.forward,
    nc.nc,
    proxy.proxy,
    udp.udp_listen,
    udp.udp_send,
    udp.ping,
    status.status,
    status.peers,
    doctor.doctor,
    identity.identity,
    planet.planet,
    moon.moon,
    moon.orbit,
    moon.deorbit,
    root.root,
    tcp_relay.tcp_relay,
    controller.controller,
    bench.bench,
    completion.completion,
):
    group.add_command(command)
for command in (rules.rules, rules.compile_file, rules.grant, settings.set_network):
    controller.controller.add_command(command)


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command line and exit."""
    try:
        group.main(args=arguments, prog_name="fastzt", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE if isinstance(error, click.UsageError) else FAILED)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(FAILED)
    except InputError as error:
        give_up(str(error), USAGE)
    except (FastztError, OSError) as error:
        give_up(describe(error), FAILED)
    sys.exit(0)


def describe(error: BaseException) -> str:
    """One line: the text of an error, without its number, or its name when it has none."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    path = getattr(error, "filename", None)
    return f"{path}: {text}" if path else str(text)


def give_up(text: str, status: int) -> NoReturn:
    """Say what is wrong and exit."""
    click.echo(f"fastzt: {' '.join(text.split())}", err=True)
    sys.exit(status)
