"""A controller on a bench: who asks, what it answers and sends, at a time that tests move."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastzt.identity.identity import Identity
from fastzt.node.roles.controller import SECOND, Controller
from fastzt.node.roles.controller_store import ControllerStore
from fastzt.wire.config_chunk import ConfigChunk
from fastzt.wire.config_request import Metadata
from fastzt.wire.error_body import ErrorBody
from fastzt.wire.network_config import NetworkConfig
from fastzt.wire.verbs import ErrorCode, Verb
from support.vectors import committed

IDENTITIES = [Identity.parse(case["secret_string"]) for case in committed("identity", "identity")]
OWN, ALICE, BOB = IDENTITIES[:3]
WALL = 1_700_000_000_000
METADATA = Metadata(platform="linux/x86_64").to_bytes()
POOLED: dict[str, Any] = {
    "name": "office",
    "routes": ["10.121.15.0/24"],
    "ipAssignmentPools": [{"ipRangeStart": "10.121.15.1", "ipRangeEnd": "10.121.15.254"}],
    "v4AssignMode": {"zt": True},
}


Answer = NetworkConfig | ErrorBody | None


@dataclass
class Peer:
    identity: Identity

    @property
    def address(self) -> int:
        return self.identity.address


@dataclass
class Wire:
    """Stands where the switch stands and keeps what is handed to it."""

    replies: list[tuple[int, bytes]] = field(default_factory=list)
    sent: list[tuple[int, int, bytes]] = field(default_factory=list)

    def reply(
        self, packet: object, payload: bytes, now: int, *, verb: int = Verb.OK, compress: bool = False
    ) -> None:
        self.replies.append((verb, payload))

    def send(self, address: int, verb: int, payload: bytes, now: int, *, compress: bool = False) -> int:
        self.sent.append((address, verb, payload))
        return 1


class Bench:
    """A controller with one network, at a time that tests move."""

    def __init__(self, directory: Path | None = None, **fields: Any) -> None:
        self.wire = Wire()
        self.own: list[tuple[int, bytes]] = []
        source = random.Random(5)
        self.store = ControllerStore(directory)
        self.controller = Controller(OWN, self.store, source.randbytes, WALL)
        self.controller.bind(self.wire, lambda nwid, config, now: self.own.append((nwid, config)))  # type: ignore[arg-type]
        self.now = 10 * SECOND
        self.nwid = int(self.controller.create_network({**POOLED, **fields}, self.now)["id"], 16)

    def ask(self, who: Identity, metadata: bytes = METADATA, after: float = 2) -> Answer:
        """A config request of `who`; its answer."""
        self.now += int(after * SECOND)
        self.wire.replies.clear()
        self.request(who, metadata)
        if not self.wire.replies and self.store.directory is not None:
            self.now = max(self.now, self.controller.deadline())
            work(self)
        return self.answer()

    def request(self, who: Identity, metadata: bytes = METADATA) -> None:
        """A config request, its answer left on the wire."""
        self.controller.request(Peer(who), object(), self.nwid, metadata, self.now)  # type: ignore[arg-type]

    def answer(self) -> Answer:
        """What was replied last."""
        if not self.wire.replies:
            return None
        if self.wire.replies[0][0] == Verb.ERROR:
            return ErrorBody.parse(self.wire.replies[0][1])
        return assemble([payload for _, payload in self.wire.replies])

    def configured(self, who: Identity, metadata: bytes = METADATA) -> NetworkConfig:
        answer = self.ask(who, metadata)
        assert isinstance(answer, NetworkConfig)
        return answer

    def refused(self, who: Identity, metadata: bytes = METADATA) -> ErrorCode:
        answer = self.ask(who, metadata)
        assert isinstance(answer, ErrorBody)
        return ErrorCode(answer.code)

    def authorize(self, who: Identity, authorized: bool = True) -> None:
        self.controller.authorize(self.nwid, who.address, self.now, authorized)

    def pushed(self, verb: int = Verb.NETWORK_CONFIG) -> list[int]:
        """Who was sent something with this verb since the last call, pushes included."""
        while self.controller.deadline() <= self.now:
            self.controller.tick(self.now)
        found = sorted({to for to, sent, _ in self.wire.sent if sent == verb})
        self.last = [payload for _, sent, payload in self.wire.sent if sent == verb]
        self.wire.sent.clear()
        return found


def assemble(payloads: list[bytes]) -> NetworkConfig:
    """The config that chunks carry, each chunk's signature verified."""
    text = b""
    for payload in payloads:
        chunk = ConfigChunk.parse(payload)
        assert OWN.verify(chunk.signed_bytes, chunk.signature)
        assert chunk.offset == len(text)
        text += chunk.data
    assert len(text) == chunk.total
    return NetworkConfig.parse(text)


def work(bench: Bench) -> None:
    """Run the file work that is due."""
    bench.controller.tick(bench.now)
    jobs = bench.controller.jobs()
    assert len(jobs) == 1
    assert bench.controller.jobs() == []
    for job in jobs:
        job.run()
        bench.controller.finish(job, bench.now)
    assert bench.controller.error is None
