"""Secrets of commands: from a file, a descriptor or the environment, never from the command line."""

from __future__ import annotations

import os

from ..errors import InputError
from . import options

MAX_SECRET = 1024


def secret(file: str | None, descriptor: int | None, variable: str, what: str) -> str | None:
    """The secret that was given, without the end of its line; None when none was. Raises InputError."""
    if file is not None and descriptor is not None:
        raise InputError(f"{what}: a file or a descriptor, not both")
    if file is not None:
        data = options.read_file(file, MAX_SECRET, what)
    elif descriptor is not None:
        try:
            with os.fdopen(descriptor, "rb", closefd=False) as source:
                data = source.read(MAX_SECRET)
        except OSError as error:
            raise InputError(f"{what}: descriptor {descriptor}: {error.strerror}") from None
    elif variable in os.environ:
        return os.environ[variable]
    else:
        return None
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise InputError(f"{what} is not text") from None
