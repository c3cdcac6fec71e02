"""What is mutated: packets in the clear, from the recorded sessions and the reference's vectors."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from fastzt.identity.identity import Identity
from fastzt.wire.verbs import COMPRESSED, Verb
from fastzt.wire.world import World

from . import ROOT

SESSIONS = ("trace", "trace_three_nodes")


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of a file of vectors."""
    found: list[dict[str, Any]] = json.loads((ROOT / f"tests/vectors/{name}.json").read_text())["cases"]
    return found


@dataclass(frozen=True)
class Seed:
    """One packet: its verb byte, what follows it in the clear, and who sent it to whom (0: anybody)."""

    verb: int
    payload: bytes
    source: int = 0
    destination: int = 0


@dataclass
class Session:
    """One recorded session: everybody's secrets, and what was sent."""

    identities: list[Identity]
    planet: World
    nwid: int
    start_ms: int
    configs: dict[int, bytes] = field(default_factory=dict)  # dictionaries by member
    seeds: list[Seed] = field(default_factory=list)
    assigned: dict[int, list[str]] = field(default_factory=dict)  # addresses on the network, by node


def load(name: str) -> Session:
    """Read a session, with the packets of the vectors behind its own."""
    head, *entries = cases(name)
    session = Session(
        [Identity.parse(entry["secret"]) for entry in head["identities"]],
        World.parse(bytes.fromhex(head["planet"])),
        int(head["network_id"], 16),
        head["start_time_ms"],
    )
    for address, member in head["members"].items():
        session.assigned[int(address, 16)] = [text.partition("/")[0] for text in member["assignedAddresses"]]
    for entry in entries:
        record = entry.get("packet")
        if record is None:
            continue
        plain = bytes.fromhex(record["plaintext"])
        source, destination = int(record["source"], 16), int(record["destination"], 16)
        seed = Seed(plain[0] & ~COMPRESSED, plain[1:], source, destination)
        session.seeds.append(seed)
        note_config(session, seed)
    session.seeds += others()
    return session


def note_config(session: Session, seed: Seed) -> None:
    """Keep the network config that a member was given, all of it in one chunk."""
    from fastzt.wire.config_chunk import ConfigChunk
    from fastzt.wire.network_config import NetworkConfig

    body = seed.payload
    if seed.verb == Verb.OK and body[0] == Verb.NETWORK_CONFIG_REQUEST:
        body = body[9:]
    elif seed.verb != Verb.NETWORK_CONFIG:
        return
    chunk = ConfigChunk.parse(body)
    if chunk.offset == 0 and len(chunk.data) == chunk.total:
        session.configs[NetworkConfig.parse(chunk.data).issued_to] = chunk.data


def others() -> list[Seed]:
    """Packets that the sessions lack: every kind of credential, blocks of LZ4, errors, unknown verbs."""
    found = []
    sections = {"com": 0, "capability": 1, "tag": 2, "revocation": 3, "coo": 4}
    for case in cases("credentials"):
        if case["kind"] in sections and case.get("serialized"):
            found.append(Seed(Verb.NETWORK_CREDENTIALS, credential(sections[case["kind"]], case)))
    for case in cases("lz4"):
        if case["kind"] == "uncompress":
            data = bytes.fromhex(case["packet"])
            if len(data) > 28:
                found.append(Seed(data[27], data[28:]))
    for code in range(12):
        found.append(
            Seed(Verb.ERROR, bytes([Verb.NETWORK_CONFIG_REQUEST]) + bytes(8) + bytes([code]) + bytes(16))
        )
    found += [Seed(verb, bytes(range(40))) for verb in range(32)]
    return found


def credential(section: int, case: dict[str, Any]) -> bytes:
    """A NETWORK_CREDENTIALS payload with one credential."""
    data = bytes.fromhex(case["serialized"])
    if section == 0:
        return data + bytes(9)
    counts = [
        (1 if at == section else 0).to_bytes(2, "big") + (data if at == section else b"")
        for at in range(1, 5)
    ]
    return b"\0" + b"".join(counts)
