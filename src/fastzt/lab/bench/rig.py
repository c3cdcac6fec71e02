"""Rig: the embedded network with two members in processes of their own, `near` and `far`."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from ...errors import FastztError
from ..network import HOST, Lab
from .process import Member
from .settings import Settings


class Rig:
    """Processes start when they are first needed and end with the rig, a context manager."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stack = ExitStack()
        made = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="fastzt-bench-"))
        self.directory = Path(made)
        self.network = ""
        self._ids: dict[str, str] = {}
        self._pairs: dict[str, tuple[Member, Member]] = {}
        self.hosts: dict[str, str] = {"kernel": HOST}
        self.ports: dict[str, int] = {}
        self.echoes: dict[str, int] = {}

    def _start(self, kind: str, **environment: str) -> tuple[Member, Member]:
        if kind not in self._pairs:
            made = [self._stack.enter_context(Member(name, **environment)) for name in ("near", "far")]
            self._pairs[kind] = made[0], made[1]
        return self._pairs[kind]

    def plain(self) -> tuple[Member, Member]:
        """Two processes whose UDP sockets move one datagram a call."""
        return self._start("plain", FASTZT_UDP_OFFLOAD="0")

    def bare(self) -> tuple[Member, Member]:
        """Two processes, which may have nodes or not."""
        return self._start("pair")

    def pair(self) -> tuple[Member, Member]:
        """Two processes with a node each, which have met: a direct path, the cipher suite agreed."""
        near, far = self.bare()
        if not self.network:
            lab = self._stack.enter_context(Lab(self.directory))
            self.network = lab.network
            self._ids = {member.name: self._join(lab, member) for member in (near, far)}
            self.meet()
        return near, far

    def meet(self) -> None:
        """Wait until the nodes talk directly; FastztError unless by the cipher suite that was asked for."""
        near, far = self.bare()
        port, host = self.echo("overlay"), self.hosts["overlay"]
        suite = near.call("meet", peer=self._ids[far.name], host=host, port=port)
        if suite != self.settings.suite:
            raise FastztError(f"packets are sealed with suite {suite}, not {self.settings.suite}")

    def _join(self, lab: Lab, member: Member) -> str:
        state = str(lab.directory / member.name)
        config = self.settings.node_config()
        node = str(member.call("node", state=state, planet=lab.planet.hex(), config=config))
        lab.authorize(node)
        self.hosts["overlay"] = member.call("join", network=lab.network)  # the far one's stays
        return node

    def port(self, side: str) -> int:
        """Where `far` accepts streams."""
        if side not in self.ports:
            self.ports[side] = self.bare()[1].call("listen", side=side)
        return self.ports[side]

    def echo(self, side: str) -> int:
        """Where `far` sends back whatever comes."""
        if side not in self.echoes:
            self.echoes[side] = self.bare()[1].call("echo", side=side)
        return self.echoes[side]

    def udp_echo(self) -> int:
        """Where `far` sends back datagrams."""
        if "udp" not in self.echoes:
            self.echoes["udp"] = self.bare()[1].call("udp_echo")
        return self.echoes["udp"]

    def check(self) -> None:
        """Raise FastztError when errors of ours have cost packets: what was measured would be no flow."""
        for member in self._pairs.get("pair", ()):
            if raised := member.call("raised"):
                raise FastztError(f"{raised} packets were lost to errors of fastzt's own in {member.name}")

    def close(self) -> None:
        """End all processes and nodes."""
        self._stack.close()

    def __enter__(self) -> Rig:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
