"""Files of a state directory: written whole or not at all, readable by their owner alone."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from ..errors import StateError

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600


def reason(error: OSError) -> str:
    """What the system said, without the path (the caller names it once)."""
    return error.strerror or str(error)


def make_directory(path: Path) -> None:
    """Create a directory (and parents) at 0700; raises StateError when that fails."""
    try:
        path.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    except FileExistsError:
        raise StateError(f"{path} is not a directory") from None
    except OSError as error:
        raise StateError(f"cannot create {path}: {reason(error)}") from None


def read(path: Path, limit: int) -> bytes | None:
    """At most `limit` bytes of a file, None when there is none; raises StateError."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"cannot read {path}: {reason(error)}") from None
    if len(data) > limit:
        raise StateError(f"cannot read {path}: longer than {limit} bytes")
    return data


def write(path: Path, data: bytes, mode: int = PRIVATE_FILE) -> None:
    """Replace a file atomically: temporary file beside it, fsync, rename; raises StateError."""
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            if hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise StateError(f"cannot write {path}: {reason(error)}") from None
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make a rename in this directory durable, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Delete a file if it is there; raises StateError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StateError(f"cannot delete {path}: {reason(error)}") from None
