"""Whose node a command runs: --identity-file (or the environment), --ephemeral."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
IDENTITY_FILE = "fastzt.identity_file"
EPHEMERAL = "fastzt.ephemeral"
VARIABLE = "FASTZT_IDENTITY"


def own_options(command: Command) -> Command:
    """The options, which `identity()` and `is_ephemeral()` tell."""
    command = click.option(
        "--identity-file",
        envvar="FASTZT_IDENTITY_FILE",
        show_envvar=True,
        metavar="FILE",
        expose_value=False,
        callback=lambda ctx, param, value: ctx.meta.__setitem__(IDENTITY_FILE, value),
        help=f"The node's identity, with its secret, instead of that in the state. Or in {VARIABLE}.",
    )(command)
    return click.option(
        "--ephemeral",
        is_flag=True,
        envvar="FASTZT_EPHEMERAL",
        show_envvar=True,
        expose_value=False,
        callback=lambda ctx, param, value: ctx.meta.__setitem__(EPHEMERAL, value),
        help="Keep everything in memory: no state directory, and a new identity unless one is given.",
    )(command)


def identity() -> str | None:
    """What to give a Node as its identity: a file, or the text itself; None: that of its state."""
    file: str | None = click.get_current_context().meta.get(IDENTITY_FILE)
    if file:
        return os.path.expanduser(file)
    return os.environ.get(VARIABLE) or None


def is_ephemeral() -> bool:
    """Whether nothing is kept."""
    return bool(click.get_current_context().meta.get(EPHEMERAL))
