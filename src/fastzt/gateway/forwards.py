"""What is to be forwarded: from ssh's notation (-L, -R) and from TOML files."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..node import files

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TCP, UDP = "tcp", "udp"
LOOPBACK = "127.0.0.1"
MAX_FILE = 1 << 20
MAX_FORWARDS = 256
KEYS = {"listen", "connect", "protocol"}
TABLES = {"forward": False, "expose": True}
NOTATION = "[bind:]port:host:port, with /udp for UDP; IPv6 addresses in brackets"


@dataclass(frozen=True)
class Forward:
    """Listen at `bind` and `port`, connect to `host` and `to_port`.

    `exposes`: it listens on the network (every address of the node where `bind` is empty) and connects to the
    system's hosts, else the other way round.
    """

    exposes: bool
    bind: str
    port: int
    host: str
    to_port: int
    protocol: str = TCP

    def __str__(self) -> str:
        at, to = join(self.bind or "*", self.port), join(self.host, self.to_port)
        where = "network" if self.exposes else "here"
        return f"{where} {at} to {to} ({self.protocol.upper()})"


def join(host: str, port: int) -> str:
    """host:port, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse(text: str, exposes: bool) -> Forward:
    """ssh's notation; raises InputError."""
    try:
        rest, protocol = protocol_of(text)
        fields = split(rest)
        if len(fields) == 3:
            fields.insert(0, "" if exposes else LOOPBACK)
        bind, port, host, to_port = fields
        if not host:
            raise ValueError("no host")
        return Forward(exposes, plain(bind), number(port), host, number(to_port), protocol)
    except ValueError as error:
        raise InputError(f"{text!r} is no forward ({error}): {NOTATION}") from None


def protocol_of(text: str) -> tuple[str, str]:
    """What stands before /tcp or /udp, and which of them."""
    rest, slash, protocol = text.rpartition("/")
    if not slash:
        return text, TCP
    if protocol not in (TCP, UDP):
        raise ValueError(f"{protocol!r} is neither tcp nor udp")
    return rest, protocol


def split(text: str) -> list[str]:
    """Fields between colons, those in brackets whole; ValueError."""
    fields: list[str] = []
    while True:
        if text.startswith("["):
            field, closed, text = text[1:].partition("]")
            if not closed or (text and not text.startswith(":")):
                raise ValueError("brackets that do not match")
            more, text = bool(text), text[1:]
        else:
            field, colon, text = text.partition(":")
            more = bool(colon)
        fields.append(field)
        if not more:
            return fields


def plain(bind: str) -> str:
    """An address to listen at; `*` stands for every one."""
    return "" if bind == "*" else bind


def number(text: str, least: int = 1) -> int:
    """A port; ValueError."""
    if not (text.isascii() and text.isdigit() and least <= int(text) < 65536):
        raise ValueError(f"{text!r} is not a port")
    return int(text)


def endpoint(text: str, default: str | None, least: int = 1) -> tuple[str, int]:
    """host:port, or a port alone where there is a default host; ValueError."""
    fields = split(text)
    if len(fields) == 1 and default is not None:
        fields.insert(0, default)
    if len(fields) != 2:
        raise ValueError(f"{text!r} is not host:port")
    return plain(fields[0]), number(fields[1], least)


@dataclass(frozen=True)
class Plan:
    """What a file says: the forwards, and the network when it names one."""

    forwards: tuple[Forward, ...]
    network: str | None = None


def read(name: str) -> Plan:
    """The forwards of a TOML file; raises InputError that names the file and the entry."""
    data = files.read(Path(name).expanduser(), MAX_FILE)
    if data is None:
        raise InputError(f"there is no file {name}")
    try:
        document = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{name}: {error}") from None
    unknown = sorted(set(document) - set(TABLES) - {"network"})
    if unknown:
        raise InputError(f"{name}: unknown: {', '.join(unknown)}; there are network, [[forward]], [[expose]]")
    network = document.get("network")
    if not isinstance(network, (str, type(None))):
        raise InputError(f"{name}: network is not a string")
    found = [
        entry_of(f"{name}: [[{table}]] {count}", entry, exposes)
        for table, exposes in TABLES.items()
        for count, entry in enumerate(listed(name, document, table), 1)
    ]
    if len(found) > MAX_FORWARDS:
        raise InputError(f"{name}: more than {MAX_FORWARDS} forwards")
    return Plan(tuple(found), network)


def listed(name: str, document: dict[str, Any], table: str) -> list[Any]:
    """An array of tables."""
    entries = document.get(table, [])
    if not isinstance(entries, list):
        raise InputError(f"{name}: write [[{table}]], there may be several")
    return entries


def entry_of(where: str, entry: Any, exposes: bool) -> Forward:
    """One table; raises InputError."""
    try:
        if not isinstance(entry, dict):
            raise ValueError("not a table")
        unknown = sorted(set(entry) - KEYS)
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)}")
        protocol = entry.get("protocol", TCP)
        if protocol not in (TCP, UDP):
            raise ValueError(f"protocol {protocol!r} is neither tcp nor udp")
        bind, port = endpoint(str(entry.get("listen", "")), "" if exposes else LOOPBACK)
        host, to_port = endpoint(str(entry.get("connect", "")), LOOPBACK if exposes else None)
        return Forward(exposes, bind, port, host or LOOPBACK, to_port, protocol)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None
