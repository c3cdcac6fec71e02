"""UdpWatch: whether roots answer over UDP; where they do not, a TCP relay is wanted (PROTOCOL-VL1 7.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .events import UdpAnswered, UdpSilent
from .timing import HELLO_RETRY, UDP_PATIENCE

if TYPE_CHECKING:
    from .context import Context


class UdpWatch:
    """Silent after 10 s in which roots were asked over UDP and none answered, until one does."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.asked_at = 0  # the first question since nothing had been heard for 10 s; 0: none is open
        self.heard_at = 0
        self.silent = False

    def asked(self, sockets: list[int], now: int) -> None:
        """A root was asked from these sockets."""
        recent = self.heard_at and now - self.heard_at < UDP_PATIENCE
        if not recent and not self.asked_at and any(n not in self.context.tunnels for n in sockets):
            self.asked_at = now

    def heard(self, socket: int, now: int) -> None:
        """A root spoke to a socket."""
        if socket in self.context.tunnels:
            return
        self.asked_at, self.heard_at = 0, now
        if self.silent:
            self.silent = False
            self.context.emit(UdpAnswered())

    def is_uncertain(self, now: int) -> bool:
        """Whether every root should be asked: the one that was has not answered."""
        return bool(self.asked_at) and not self.silent and now - self.asked_at >= HELLO_RETRY

    def tick(self, now: int) -> None:
        """Tell when nothing has answered for too long; a root itself never goes through a relay."""
        open_for = now - self.asked_at if self.asked_at else 0
        if not self.silent and open_for >= UDP_PATIENCE and not self.context.is_root:
            self.silent = True
            self.context.emit(UdpSilent())
