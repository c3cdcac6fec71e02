"""Scenes: a lab with one fastzt and one libzt member on a private network, kept for as long as tests run."""

from __future__ import annotations

import contextlib
import ipaddress
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from lab import Lab, Member
from netns import Segment
from process import until

import fastzt
from fastzt.wire.address import rfc4193, sixplane

INTERPRETED_DIVISOR = 16  # volumes on the interpreted build
MIB = 1 << 20
POLL = 0.25
ONLINE = 60.0


def volume(mib: int) -> int:
    """`mib` MiB on the compiled build, a committed part of it on the interpreted one."""
    return mib * MIB // (1 if fastzt.is_compiled() else INTERPRETED_DIVISOR)


@dataclass
class Scene:
    """`ours` is fastzt, `theirs` is libzt; both have joined `nwid`.

    `scout` is a third member (fastzt), which finds out whether the others can be found.
    """

    lab: Lab
    ours: Member
    theirs: Member
    scout: Member
    nwid: str

    def member(self, kind: str) -> Member:
        """The member of a kind, `fastzt` or `libzt`."""
        return self.ours if kind == "fastzt" else self.theirs

    def roles(self, client: str) -> tuple[Member, Member]:
        """(client, server) when the client is of that kind."""
        return (self.ours, self.theirs) if client == "fastzt" else (self.theirs, self.ours)

    def fresh_network(self) -> str:
        """A further network that all have joined: the two have not seen each other's certificates on it."""
        nwid = self.lab.network(self.ours, self.theirs, self.scout)
        settle(nwid, self.scout, self.ours, self.theirs)
        return nwid

    def dual_stack_network(self, kind: str) -> str:
        """As `fresh_network`, with IPv6 addresses of a kind, which libzt uses already."""
        nwid = self.lab.network(self.ours, self.theirs, self.scout, ipv6=kind)
        settle(nwid, self.scout, self.ours, self.theirs)
        # It drops what comes before it has made sure that an address is its own.
        ask = {"nwid": nwid, "host": self.address6(nwid, self.theirs, kind), "count": 1, "size": 8, "wait": 1}
        until(lambda: self.scout.peer.call("ping", **ask), f"{ask['host']} to answer")
        return nwid

    def address6(self, nwid: str, member: Member, kind: str) -> str:
        """The IPv6 address of a kind that a member has on a network."""
        if kind == "managed":
            assigned = next(r["ipAssignments"] for r in self.lab.records(nwid) if r["id"] == member.id)
            return next(ip for ip in assigned if ":" in ip)
        derived = {"rfc4193": rfc4193, "6plane": sixplane}[kind]
        return str(ipaddress.ip_address(derived(int(member.id, 16), int(nwid, 16))))


def settle(nwid: str, scout: Member, *members: Member) -> None:
    """Have all join, and wait until the scout finds each: libzt announces its address some seconds later."""
    for member in (*members, scout):
        member.join(nwid)
    scout.address(nwid)
    for member in members:
        host = member.address(nwid)
        found = until(lambda host=host: scout.peer.call("whois", host=host), f"{member.name} to be found")  # type: ignore[misc]
        assert found == member.id


class Watch:
    """Asks an idle node all the time whether it is online, from the moment that it first was."""

    def __init__(self, member: Member) -> None:
        self.member = member
        until(lambda: member.peer.call("online"), f"{member.name} online", ONLINE)
        self.began = time.monotonic()
        self.asked = 0
        self.offline: list[float] = []  # seconds after the beginning
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(POLL):
            online = self.member.peer.call("online")
            self.asked += 1
            if not online:
                self.offline.append(time.monotonic() - self.began)

    def age(self) -> float:
        """Seconds since it was first online."""
        return time.monotonic() - self.began

    def stop(self) -> None:
        """Ask no more."""
        self._ended.set()
        self._thread.join(60)


class Scenes:
    """Makes scenes on demand, one for each MTU, and ends them all."""

    def __init__(self, library: tuple[Path, Path], directory: Path) -> None:
        self._library = library
        self._directory = directory
        self._stack = contextlib.ExitStack()
        self._made: dict[int, Scene] = {}
        self._idle: Watch | None = None

    def get(self, mtu: int = 1500) -> Scene:
        """The scene whose path has this MTU."""
        if mtu not in self._made:
            self._made[mtu] = self._make(mtu)
        return self._made[mtu]

    def _make(self, mtu: int) -> Scene:
        with contextlib.ExitStack() as undo:
            segment = Segment(str(mtu), mtu)
            undo.callback(segment.close)
            directory = Path(tempfile.mkdtemp(prefix=f"{mtu}-", dir=self._directory))
            lab = Lab(segment, self._library, directory)
            undo.callback(lab.close)
            ours, theirs, scout = lab.fastzt("ours"), lab.libzt("theirs"), lab.fastzt("scout")
            scene = Scene(lab, ours, theirs, scout, "")
            scene.nwid = scene.fresh_network()
            self._stack.push(undo.pop_all())
        return scene

    def idle(self) -> Watch:
        """A libzt node that nobody uses, watched from the first call on."""
        if self._idle is None:
            self._idle = Watch(self.get().lab.libzt("idle"))
            self._stack.callback(self._idle.stop)
        return self._idle

    def close(self) -> None:
        """End everything."""
        self._stack.close()
