"""`fastzt identity`: make, show, import. A secret is read from files and written to files alone."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..errors import IdentityError, InputError
from ..identity.identity import Identity
from ..node import files
from ..node.store import Store
from . import options
from .output import progress, say, show


@click.group()
def identity() -> None:
    """Make, show and import node identities."""


def store_identity(state: str, made: Identity) -> None:
    """Put an identity into a state directory that has none; raises IdentityError, StateError."""
    store = Store(state)
    try:
        if store.secret() is not None:
            raise IdentityError(f"{store.path} holds an identity already; it is never replaced")
        store.save_identity(made.to_text(secret=True), made.to_text())
    finally:
        store.close()


def write_new(path: Path, made: Identity) -> None:
    """Write a secret to a file that does not exist yet; raises InputError, StateError."""
    if path.exists():
        raise InputError(f"{path} exists; an identity is never replaced")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is not a directory")
    files.write(path, made.to_text(secret=True).encode() + b"\n")


def report(found: Identity, as_json: bool) -> None:
    """Print what is public of an identity."""
    if as_json:
        show({"address": f"{found.address:010x}", "identity": found.to_text()})
    else:
        say(found.to_text())


@identity.command()
@options.state_option
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    show_envvar=True,
    help="Write the secret here (0600), not into the state directory.",
)
@options.json_option
def new(state: str, output: str | None, as_json: bool) -> None:
    """Make an identity and print its public part."""
    target = None if output is None else Path(output).expanduser()
    if target is not None and target.exists():
        raise InputError(f"{target} exists; an identity is never replaced")
    if target is None and options.state_file(state, "identity.secret", options.MAX_IDENTITY) is not None:
        raise IdentityError(f"{state} holds an identity already; it is never replaced")
    with progress("searching for an identity"):
        made = Identity.generate(os.urandom)
    if target is not None:
        write_new(target, made)
    else:
        store_identity(state, made)
    report(made, as_json)


@identity.command(name="show")
@click.argument("file", required=False)
@options.state_option
@options.json_option
def show_identity(file: str | None, state: str, as_json: bool) -> None:
    """Print the public part of the identity in FILE (- for standard input), or of the state directory's."""
    name = file if file is not None else str(Path(state).expanduser() / "identity.secret")
    found = options.read_identity(name)
    if not found.validate():
        raise IdentityError(f"identity {name} is invalid: its address does not follow from its key")
    report(found, as_json)


@identity.command(name="import")
@click.argument("file")
@options.state_option
@options.json_option
def import_identity(file: str, state: str, as_json: bool) -> None:
    """Store the identity with its secret from FILE (- for standard input) in the state directory."""
    found = options.read_identity(file)
    if not found.has_secret:
        raise IdentityError(f"identity {file} has no secret part")
    if not found.validate():
        raise IdentityError(f"identity {file} is invalid: its address does not follow from its key")
    store_identity(state, found)
    report(found, as_json)
