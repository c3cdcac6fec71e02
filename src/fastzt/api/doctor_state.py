"""The doctor's look at a state directory: what keeps a node from using it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ..errors import IdentityError, InputError, StateError
from ..identity.identity import Identity
from ..node import files
from ..node.lock import holder
from ..node.planets import own_planet
from ..node.store import Store
from .findings import OK, PROBLEM, WARNING, Finding


def examine(path: Path, planet: Any) -> list[Finding]:
    """What is wrong with it, or one finding that nothing is."""
    if not path.exists():
        return [missing(path)]
    try:
        store = Store(path)
    except StateError as error:
        return [unusable(path, error)]
    try:
        found = [*identity(store, path), *([] if planet is not None else stored_planet(store)), *room(path)]
    finally:
        store.close()
    return found or [Finding("state", OK, f"state directory {path} can be used")]


def networks(path: Path) -> list[str]:
    """The networks that a state knows."""
    if not path.exists():
        return []
    store = Store(path)
    try:
        return [f"{nwid:016x}" for nwid in store.networks()]
    finally:
        store.close()


def missing(path: Path) -> Finding:
    """No directory yet."""
    parent = next(known for known in (path, *path.absolute().parents) if known.exists())
    if parent.is_dir() and os.access(parent, os.W_OK):
        return Finding("state", OK, f"state directory {path} does not exist yet: the first start makes it")
    return Finding(
        "state",
        PROBLEM,
        f"state directory {path} does not exist, and cannot be made in {parent}",
        f"make {path} for this user, or name another: --state DIR, FASTZT_STATE",
    )


def unusable(path: Path, error: StateError) -> Finding:
    """The directory is held by another, or cannot be written."""
    text = str(error)
    if "in use" not in text:
        return Finding(
            "state",
            PROBLEM,
            text,
            f"make {path} a directory that this user may write, or name another: --state DIR",
        )
    pid = holder(path) if "another process" in text else None
    who = "the agent of this state" if (path / "agent.sock").exists() else "another node"
    whose = f" ({who}, process {pid})" if pid else ""
    advice = f"end process {pid}" if pid else "end that process"
    return Finding(
        "state",
        PROBLEM,
        f"{text}{whose}: a node's state has one owner at a time",
        f"{advice} to examine its node, or use another state: --state DIR",
    )


def identity(store: Store, path: Path) -> list[Finding]:
    """The identity: readable, well-formed, private."""
    try:
        secret = store.secret()
        if secret is None:
            return []
        known = Identity.parse(secret)
        if not known.has_secret:
            raise IdentityError(f"{path / 'identity.secret'} holds no secret key")
    except (IdentityError, StateError) as error:
        return [
            Finding(
                "state",
                PROBLEM,
                str(error),
                "restore identity.secret from a backup; to give the address up, move the file away",
            )
        ]
    return private(path / "identity.secret")


def private(path: Path) -> list[Finding]:
    """Whether others may read a file that is the owner's alone."""
    if sys.platform == "win32" or not path.exists() or not path.stat().st_mode & 0o077:
        return []
    return [Finding("state", WARNING, f"{path} can be read by others", f"chmod 600 {path}")]


def stored_planet(store: Store) -> list[Finding]:
    """The planet that the state holds."""
    try:
        own_planet(store)
    except InputError as error:
        return [Finding("state", PROBLEM, str(error), "replace the file by a good one, or move it away")]
    return []


def room(path: Path) -> list[Finding]:
    """Whether a file can be written: the disk may be full, or there may be no more files on it."""
    try:
        files.write(path / "doctor", b"x" * 4096)
        files.remove(path / "doctor")
    except StateError as error:
        return [Finding("state", PROBLEM, str(error), "make room on that disk")]
    return []
