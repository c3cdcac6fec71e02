"""`controller.d`: the records of a controller in files, shared with commands that edit them while it runs.

Memory is what the controller decides from. Writes are collected and done by a job, outside the node's lock;
a scan finds what another process changed, and the changes of both sides are merged field by field against the
record last seen in the file.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import StateError
from .. import files
from .records import Record

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

MAX_RECORD = 1 << 20  # bytes of one JSON file
Key = tuple[int, int]  # (network id, member address); address 0 is the network itself
Signature = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Change:
    """What another process did to a file: `base` was the record there before, `theirs` None is a deletion."""

    key: Key
    base: Record | None
    theirs: Record | None


class ControllerStore:
    """Network and member records by id; `directory` None keeps them in memory alone."""

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory
        self.networks: dict[int, Record] = {}
        self.members: dict[int, dict[int, Record]] = {}
        self._dirty: dict[Key, None] = {}
        self._synced: dict[Key, tuple[Signature, Record]] = {}
        self._guard = threading.Lock()  # one writer or scanner at a time
        if directory is not None:
            for change in self.scan():
                self._put(change.key, change.theirs)

    def get(self, nwid: int, address: int) -> Record | None:
        """A member's record, or the network's when `address` is 0."""
        return self.members.get(nwid, {}).get(address) if address else self.networks.get(nwid)

    def save(self, nwid: int, address: int, record: Record | None) -> None:
        """Take a new version of a record (None: delete it) and remember to write it."""
        self._put((nwid, address), record)
        if self.directory is not None:
            self._dirty[nwid, address] = None

    def _put(self, key: Key, record: Record | None) -> None:
        nwid, address = key
        if address == 0:
            if record is None:
                self.networks.pop(nwid, None)
                self.members.pop(nwid, None)
            else:
                self.networks[nwid] = record
        elif record is None:
            self.members.get(nwid, {}).pop(address, None)
        else:
            self.members.setdefault(nwid, {})[address] = record

    def pending(self) -> list[tuple[Key, Record | None]]:
        """The records to write, taken off the list; give them to `write`."""
        taken = [((nwid, address), self.get(nwid, address)) for nwid, address in self._dirty]
        self._dirty.clear()
        return taken

    def flush(self) -> None:
        """Write what is pending now; raises StateError."""
        if self._dirty:
            self.write(self.pending())

    def write(self, records: list[tuple[Key, Record | None]]) -> None:
        """Write or delete files; one that another process changed is left to `scan`; raises StateError."""
        with self.exclusive():
            for key, record in records:
                path = self._path(key)
                if record is None:
                    self._delete(key, path)
                elif self._signature(path) == self._synced.get(key, (None,))[0]:
                    files.make_directory(path.parent)
                    files.write(path, json.dumps(record, separators=(",", ":")).encode())
                    self._remember(key, path, record)

    def scan(self) -> list[Change]:
        """What other processes changed since the last look; raises StateError."""
        changes = []
        with self.exclusive():
            found = dict(self._files())
            for key, path in found.items():
                signature = self._signature(path)
                known = self._synced.get(key)
                if signature is not None and (known is None or known[0] != signature):
                    theirs = self._read(key, path)
                    self._synced[key] = (signature, theirs)
                    changes.append(Change(key, known[1] if known else None, theirs))
            for key in [key for key in self._synced if key not in found]:
                changes.append(Change(key, self._synced.pop(key)[1], None))
        return changes

    def apply(self, change: Change) -> Record | None:
        """Take a scanned change into memory, keeping what we changed meanwhile; the record that results."""
        ours, outcome = self.get(*change.key), change.theirs
        if ours is None and change.key in self._dirty:
            return None  # deleted here since
        if ours is not None and change.base is not None and change.theirs is not None:
            outcome = merge(change.base, ours, change.theirs)
        self._put(change.key, outcome)
        if outcome is not None and outcome != change.theirs:
            self._dirty[change.key] = None
        return outcome

    def _read(self, key: Key, path: Path) -> Record:
        try:
            record = json.loads(files.read(path, MAX_RECORD) or b"")
        except ValueError as error:
            raise StateError(f"{path} is not a JSON record: {error}") from None
        expected = f"{key[1]:010x}" if key[1] else f"{key[0]:016x}"
        if not isinstance(record, dict) or record.get("id") != expected:
            raise StateError(f"{path} is not the record of {expected}")
        return record

    def _files(self) -> Iterator[tuple[Key, Path]]:
        assert self.directory is not None
        root = self.directory / "network"
        for path in sorted(root.glob("*.json")):
            nwid = _hex(path.stem, 16)
            if nwid:
                yield (nwid, 0), path
                for member in sorted((root / path.stem / "member").glob("*.json")):
                    address = _hex(member.stem, 10)
                    if address:
                        yield (nwid, address), member

    def _path(self, key: Key) -> Path:
        assert self.directory is not None
        network = self.directory / "network" / f"{key[0]:016x}"
        return network / "member" / f"{key[1]:010x}.json" if key[1] else network.with_suffix(".json")

    def _delete(self, key: Key, path: Path) -> None:
        files.remove(path)
        self._synced.pop(key, None)
        if key[1] == 0:
            members = path.with_suffix("") / "member"
            for member in members.glob("*.json"):
                files.remove(member)
            for directory in (members, path.with_suffix("")):
                with contextlib.suppress(OSError):
                    directory.rmdir()
            for other in [other for other in self._synced if other[0] == key[0]]:
                del self._synced[other]

    def _remember(self, key: Key, path: Path, record: Record) -> None:
        signature = self._signature(path)
        if signature is not None:
            self._synced[key] = (signature, record)

    @staticmethod
    def _signature(path: Path) -> Signature | None:
        try:
            status = path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other processes out for the milliseconds of a read or write; raises StateError."""
        assert self.directory is not None
        with self._guard:
            files.make_directory(self.directory)
            try:
                lock = open(self.directory / ".lock", "ab")  # noqa: SIM115
            except OSError as error:
                raise StateError(f"cannot write {self.directory}: {files.reason(error)}") from None
            with lock:
                if sys.platform == "win32":
                    msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
                else:
                    fcntl.lockf(lock, fcntl.LOCK_EX)
                yield


def merge(base: Record, ours: Record, theirs: Record) -> Record:
    """Three-way, field by field: what we changed since `base` wins, everything else is theirs."""
    merged = dict(theirs)
    for name, value in ours.items():
        if name not in base or base[name] != value:
            merged[name] = value
    return merged


def _hex(text: str, digits: int) -> int:
    """The number a file name of exactly `digits` lower-case hex digits stands for, else 0."""
    if len(text) != digits or text.lower() != text:
        return 0
    try:
        return int(text, 16)
    except ValueError:
        return 0
