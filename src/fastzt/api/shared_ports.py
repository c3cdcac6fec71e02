"""SharedPorts: TCP ports of a network that sockets have bound, some of them together (SO_REUSEPORT)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..io.threaded import ThreadedDriver
    from ..netstack.tcp.listener import TcpListener

TRIES = 64

Place = tuple["bytes | None", int]  # 16-byte address or None for all, port


class Binding:
    """One bound port: by how many sockets, and by how many of them the `listener` is used."""

    def __init__(self, shares: bool) -> None:
        self.shares = shares
        self.sockets = 1
        self.listening = 0
        self.listener: TcpListener | None = None


class SharedListener:
    """What a listening socket has of a binding."""

    def __init__(self, binding: Binding, listener: TcpListener) -> None:
        self.binding = binding
        self.listener = listener


class SharedPorts:
    """Of one network. Bound is not listening: who connects meanwhile is refused."""

    def __init__(self, driver: ThreadedDriver, nwid: int) -> None:
        self._driver = driver
        self._nwid = nwid
        self._bound: dict[Place, Binding] = {}

    def bind(self, ip: bytes | None, port: int, shares: bool) -> Place:
        """Take a port (0: any free one), with others if all of them share it; raises OSError (EADDRINUSE)."""
        return self._driver.run(lambda now: self._bind(ip, port, shares, now))

    def _bind(self, ip: bytes | None, port: int, shares: bool, now: int) -> Place:
        for candidate in self._candidates(ip, port, shares, now):
            held = self._bound.get((ip, candidate))
            if held is not None:
                held.sockets += 1
            else:
                self._bound[ip, candidate] = Binding(shares)
            return ip, candidate
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))

    def _candidates(self, ip: bytes | None, port: int, shares: bool, now: int) -> Iterator[int]:
        """Ports that may be taken."""
        held = self._bound.get((ip, port))
        if held is not None and held.shares and shares:
            yield port
            return
        for _ in range(1 if port else TRIES):
            trial = self._driver.core.listen(self._nwid, ip, port, 1, now)
            candidate = trial.port
            trial.close(now)
            if not self._conflicts(ip, candidate):
                yield candidate

    def _conflicts(self, ip: bytes | None, port: int) -> bool:
        return any(
            (port == other and None in (ip, its)) or (ip, port) == (its, other) for its, other in self._bound
        )

    def listen(self, ip: bytes | None, port: int, backlog: int) -> SharedListener:
        """Listen on a bound port; raises OSError."""

        def begin(now: int) -> SharedListener:
            binding = self._bound[ip, port]
            if binding.listener is None:
                binding.listener = self._driver.core.listen(self._nwid, ip, port, backlog, now)
            binding.listening += 1
            return SharedListener(binding, binding.listener)

        return self._driver.run(begin)

    def release(self, place: Place, listens: bool, now: int) -> None:
        """A socket closes that had bound a port, and perhaps listened on it. Under the driver's lock."""
        binding = self._bound[place]
        binding.sockets -= 1
        binding.listening -= listens
        listener = binding.listener
        if listener is not None:
            self._driver.waiters.wake(listener.id)
            if binding.listening == 0:
                listener.close(now)
                binding.listener = None
        if binding.sockets == 0:
            del self._bound[place]
