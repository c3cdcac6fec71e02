"""Store: what a node keeps between runs, in a state directory (DESIGN of the files: docs/architecture.md).

`MemoryStore` keeps the same things for the life of the process only (a node without a state directory).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ..errors import IdentityError, InputError, StateError
from ..wire.world import MAX_SIZE
from . import files
from .lock import DirectoryLock

MAX_SECRET = 4096
MAX_CONFIG = 1 << 20
MAX_RECORD = 16384
MAX_PEERS = 256
MAX_NETWORKS = 1024
MAX_MOONS = 16
NETWORK_FILE = re.compile(r"[0-9a-f]{16}\.conf")
MOON_FILE = re.compile(r"[0-9a-f]{16}\.(?:moon|seed)")
PEER_FILE = re.compile(r"[0-9a-f]{10}\.peer")
OWN_NAMES = {
    "identity.secret",
    "identity.public",
    "port",
    "planet",
    "networks.d",
    "moons.d",
    "peers.d",
    "controller.d",
    "children.d",
    "libzt",
    "lock",
    "agent.sock",
}


@dataclass(frozen=True, slots=True)
class SavedNetwork:
    """What was last known of a network: its configuration as received, and the addresses assigned."""

    config: bytes
    addresses: tuple[str, ...] = ()


class MemoryStore:
    """The interface of a store, kept in memory."""

    path: Path | None = None

    def __init__(self) -> None:
        self._secret: str | None = None
        self._planet: bytes | None = None
        self._port = 0
        self._networks: dict[int, SavedNetwork] = {}
        self._peers: dict[int, bytes] = {}
        self._moons: dict[int, bytes] = {}
        self._seeds: dict[int, int] = {}

    def secret(self) -> str | None:
        """The identity with its secret, as text; None when there is none."""
        return self._secret

    def vouched(self, public: str) -> bool:
        """Whether this identity was validated before it was stored."""
        return False

    def save_identity(self, secret: str, public: str) -> None:
        """Store a validated identity; raises IdentityError when a different one is stored."""
        if self._secret not in (None, secret):
            raise IdentityError("another identity is stored already; it is never replaced")
        self._secret = secret

    def planet(self) -> tuple[bytes, str] | None:
        """The planet to use and where it comes from; None: the embedded one."""
        return None if self._planet is None else (self._planet, "memory")

    def save_planet(self, world: bytes) -> None:
        """Keep a planet that the roots sent."""
        self._planet = world

    def port(self) -> int:
        """The UDP port used last, 0 when unknown."""
        return self._port

    def save_port(self, port: int) -> None:
        """Keep the UDP port for the next start."""
        self._port = port

    def network(self, nwid: int) -> SavedNetwork | None:
        """What is stored of a network."""
        return self._networks.get(nwid)

    def networks(self) -> list[int]:
        """The networks of which something is stored."""
        return sorted(self._networks)

    def save_network(self, nwid: int, saved: SavedNetwork) -> None:
        """Keep a network's configuration."""
        if len(self._networks) < MAX_NETWORKS or nwid in self._networks:
            self._networks[nwid] = saved

    def forget_network(self, nwid: int) -> None:
        """Delete what is stored of a network that was left."""
        self._networks.pop(nwid, None)

    def moons(self) -> list[bytes]:
        """The moons held, serialized."""
        return list(self._moons.values())

    def seeds(self) -> dict[int, int]:
        """The moons wanted, by id, and whom to ask for each."""
        return dict(self._seeds)

    def save_moon(self, moon: int, world: bytes) -> None:
        """Keep a moon."""
        if moon in self._moons or len(self._moons) < MAX_MOONS:
            self._moons[moon] = world
        self._seeds.pop(moon, None)

    def save_seed(self, moon: int, seed: int) -> None:
        """Keep whom to ask for a moon."""
        if moon in self._seeds or len(self._seeds) < MAX_MOONS:
            self._seeds[moon] = seed

    def forget_moon(self, moon: int) -> None:
        """Delete what is stored of a moon."""
        self._moons.pop(moon, None)
        self._seeds.pop(moon, None)

    def peers(self) -> list[bytes]:
        """Peer records, at most 256, most recently saved first."""
        return list(reversed(self._peers.values()))

    def save_peer(self, address: int, record: bytes) -> None:
        """Keep a peer's record (PROTOCOL-VL1 6.4); the oldest makes room."""
        self._peers.pop(address, None)
        self._peers[address] = record
        while len(self._peers) > MAX_PEERS:
            del self._peers[next(iter(self._peers))]

    def close(self) -> None:
        """Give the store up."""


class Store(MemoryStore):
    """A state directory, locked for this node until `close`; raises StateError when it cannot be used."""

    path: Path

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser().absolute()
        files.make_directory(self.path)
        self._lock = DirectoryLock(self.path)
        try:
            self._tighten()
        except BaseException:
            self._lock.release()
            raise

    def _tighten(self) -> None:
        """Make the directory private, when it is ours and holds a node's state (or nothing)."""
        if sys.platform == "win32":
            return
        mode = self.path.stat().st_mode
        if mode & 0o077 and {entry.name for entry in self.path.iterdir()} <= OWN_NAMES:
            with contextlib.suppress(OSError):
                self.path.chmod(files.PRIVATE_DIRECTORY)

    def secret(self) -> str | None:
        """`identity.secret`, or that of an embedded libzt, as text; raises IdentityError when unreadable."""
        for path in (self.path / "identity.secret", self.path / "libzt" / "identity.secret"):
            try:
                data = files.read(path, MAX_SECRET)
                if data is not None:
                    return data.decode("ascii").strip()
            except (StateError, UnicodeDecodeError) as error:
                why = error if isinstance(error, StateError) else f"{path} is not text"
                raise IdentityError(f"identity is unreadable and will not be replaced: {why}") from None
        return None

    def vouched(self, public: str) -> bool:
        """Whether `identity.public`, written only after validation, says the same."""
        with contextlib.suppress(StateError):
            return files.read(self.path / "identity.public", MAX_SECRET) == public.encode()
        return False

    def save_identity(self, secret: str, public: str) -> None:
        """Write both identity files, once validated; raises IdentityError when a different one is stored."""
        stored = files.read(self.path / "identity.secret", MAX_SECRET)
        if stored is None:
            files.write(self.path / "identity.secret", secret.encode())
        elif stored.strip() != secret.encode():
            raise IdentityError(
                f"{self.path / 'identity.secret'} holds another identity; it is never replaced"
            )
        if not self.vouched(public):
            files.write(self.path / "identity.public", public.encode(), 0o644)

    def planet(self) -> tuple[bytes, str] | None:
        """An embedded libzt's roots, then `planet`; raises InputError for one that cannot be read."""
        for path in (self.path / "libzt" / "roots", self.path / "planet"):
            try:
                data = files.read(path, MAX_SIZE)
            except StateError as error:
                raise InputError(f"planet is unreadable: {error}") from None
            if data is not None:
                return data, str(path)
        return None

    def save_planet(self, world: bytes) -> None:
        """Write `planet`."""
        files.write(self.path / "planet", world)

    def port(self) -> int:
        """The number in `port`; 0 when there is none or it is not a port."""
        with contextlib.suppress(StateError, ValueError):
            text = files.read(self.path / "port", 16) or b"0"
            port = int(text)
            return port if 0 <= port <= 65535 else 0
        return 0

    def save_port(self, port: int) -> None:
        """Write `port` if it says something else."""
        if port != self.port():
            files.write(self.path / "port", b"%d\n" % port)

    def _entries(self, folder: str) -> list[Path]:
        """What lies in a folder that is made when something is first put there."""
        try:
            return list((self.path / folder).iterdir())
        except FileNotFoundError:
            return []

    def _network(self, nwid: int, suffix: str) -> Path:
        return self.path / "networks.d" / f"{nwid:016x}.{suffix}"

    def network(self, nwid: int) -> SavedNetwork | None:
        """`networks.d/<nwid>.conf` and `.json`; an unreadable one counts as absent."""
        with contextlib.suppress(StateError, ValueError, TypeError, AttributeError):
            config = files.read(self._network(nwid, "conf"), MAX_CONFIG)
            if not config or not config.strip():
                return None
            facts = json.loads(files.read(self._network(nwid, "json"), MAX_RECORD) or b"{}")
            return SavedNetwork(config, tuple(str(a) for a in facts.get("addresses", ())))
        return None

    def networks(self) -> list[int]:
        """The networks of `networks.d`."""
        names = sorted(path.name for path in self._entries("networks.d"))
        return [int(name[:16], 16) for name in names if NETWORK_FILE.fullmatch(name)][:MAX_NETWORKS]

    def save_network(self, nwid: int, saved: SavedNetwork) -> None:
        """Write both files of a network, when they change."""
        if self.network(nwid) == saved:
            return
        files.make_directory(self.path / "networks.d")
        files.write(self._network(nwid, "conf"), saved.config)
        facts = {"addresses": list(saved.addresses)}
        files.write(self._network(nwid, "json"), json.dumps(facts).encode() + b"\n")

    def forget_network(self, nwid: int) -> None:
        """Delete both files of a network."""
        for suffix in ("conf", "json"):
            files.remove(self._network(nwid, suffix))

    def _moon_files(self, suffix: str) -> dict[int, bytes]:
        found = sorted(path for path in self._entries("moons.d") if MOON_FILE.fullmatch(path.name))
        data: dict[int, bytes] = {}
        for path in [path for path in found if path.suffix == suffix][:MAX_MOONS]:
            with contextlib.suppress(StateError):
                data[int(path.stem, 16)] = files.read(path, MAX_SIZE) or b""
        return data

    def _moon(self, moon: int, suffix: str) -> Path:
        return self.path / "moons.d" / f"{moon:016x}{suffix}"

    def moons(self) -> list[bytes]:
        """The worlds of `moons.d`; unreadable ones are left out."""
        return list(self._moon_files(".moon").values())

    def seeds(self) -> dict[int, int]:
        """The addresses in `moons.d/<id>.seed`."""
        found: dict[int, int] = {}
        for moon, text in self._moon_files(".seed").items():
            with contextlib.suppress(ValueError):
                found[moon] = int(text, 16)
        return found

    def save_moon(self, moon: int, world: bytes) -> None:
        """Write `moons.d/<id>.moon`."""
        files.make_directory(self.path / "moons.d")
        files.write(self._moon(moon, ".moon"), world, 0o644)
        files.remove(self._moon(moon, ".seed"))

    def save_seed(self, moon: int, seed: int) -> None:
        """Write `moons.d/<id>.seed`."""
        files.make_directory(self.path / "moons.d")
        files.write(self._moon(moon, ".seed"), b"%010x\n" % seed)

    def forget_moon(self, moon: int) -> None:
        """Delete both files of a moon."""
        for suffix in (".moon", ".seed"):
            files.remove(self._moon(moon, suffix))

    def _peer_files(self) -> list[Path]:
        found = [path for path in self._entries("peers.d") if PEER_FILE.fullmatch(path.name)]
        return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)

    def peers(self) -> list[bytes]:
        """The records of `peers.d`; unreadable ones are left out."""
        records = []
        for path in self._peer_files()[:MAX_PEERS]:
            with contextlib.suppress(StateError):
                records.append(files.read(path, MAX_RECORD) or b"")
        return records

    def save_peer(self, address: int, record: bytes) -> None:
        """Write `peers.d/<address>.peer` when it changes; the oldest file makes room."""
        path = self.path / "peers.d" / f"{address:010x}.peer"
        if path.exists():
            if files.read(path, MAX_RECORD) == record:
                return
        else:
            files.make_directory(self.path / "peers.d")
            for old in self._peer_files()[MAX_PEERS - 1 :]:
                files.remove(old)
        files.write(path, record)

    def close(self) -> None:
        """Unlock the directory."""
        self._lock.release()
