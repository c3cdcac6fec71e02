"""The standard library's `socket` module over sockets of a network, and its own tests of it."""

from __future__ import annotations

import importlib.util
import socket
import sys
from types import ModuleType
from typing import Any

from fastzt import Network
from fastzt.api.berkeley import BerkeleySocket
from fastzt.api.berkeley_datagram import BerkeleyDatagramSocket


def load(name: str) -> ModuleType:
    """A copy of a module that nobody else sees."""
    found = importlib.util.find_spec(name)
    assert found is not None
    assert found.origin is not None
    spec = importlib.util.spec_from_file_location(f"copy_of_{name.replace('.', '_')}", found.origin)
    assert spec is not None
    assert spec.loader is not None
    copy = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = copy  # where enumerations expect it
    spec.loader.exec_module(copy)
    return copy


def over(network: Network) -> ModuleType:
    """`socket` itself, its class replaced. This host's own names lead to this node's addresses."""
    v4, v6 = (next(str(found.ip) for found in network.addresses if found.version == n) for n in (4, 6))
    own = {"localhost": v4, "127.0.0.1": v4, "::1": v6}

    def local(address: Any) -> Any:
        return (own.get(address[0], address[0]), *address[1:])

    copy = load("socket")

    class Stream(BerkeleySocket):
        _sendfile_use_send = BerkeleySocket.sendfile

        def _sendfile_use_sendfile(self, *arguments: Any) -> int:
            raise copy._GiveupOnSendfile

        def bind(self, address: Any) -> None:
            super().bind(local(address))

        def connect(self, address: Any) -> None:
            super().connect(local(address))

    class Datagrams(BerkeleyDatagramSocket):
        _sendfile_use_send = BerkeleyDatagramSocket.sendfile

        def bind(self, address: Any) -> None:
            super().bind(local(address))

        def _remote(self, address: Any) -> Any:
            return super()._remote(local(address))

    def make(family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> Any:
        kind = socket.SOCK_STREAM if type == -1 else type
        chosen = Datagrams if kind & 0xF == socket.SOCK_DGRAM else Stream
        return chosen(network, socket.AF_INET if family == -1 else family, kind)

    copy.socket = make  # type: ignore[attr-defined]
    return copy
