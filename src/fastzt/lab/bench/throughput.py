"""Gbit/s of payload, as the receiver counts it: streams over a side, and UDP alone."""

from __future__ import annotations

from typing import Any

from ...errors import FastztError
from .process import Member
from .rig import Rig

FLOOD_MARGIN = 0.2  # seconds that the sender goes on beyond the receiver's


def gbit_s(rig: Rig, side: str, flows: int | None = None) -> float:
    """The rate alone."""
    return float(tcp(rig, side, flows)["gbit_s"])


def tcp(rig: Rig, side: str, flows: int | None = None) -> dict[str, Any]:
    """The streams of a run over `kernel` or `overlay`: `gbit_s`, and `bytes` received.

    `flows`: how many, default as the settings say.
    """
    settings = rig.settings
    count = flows or settings.flows
    near, far = rig.pair() if side == "overlay" else rig.bare()
    port = rig.port(side)
    far.start("receive", side=side, seed=settings.seed, flows=count)
    near.start(
        "send",
        side=side,
        host=rig.hosts[side],
        port=port,
        seed=settings.seed,
        flows=count,
        seconds=settings.seconds,
        write_size=settings.write_size,
    )
    received, sent = far.result(settings.seconds), near.result()
    for ours, theirs in zip(sent, received, strict=True):
        if (ours["bytes"], ours["sha256"]) != (theirs["bytes"], theirs["sha256"]):
            raise FastztError(f"sent {ours}, received {theirs}")
    return {"gbit_s": rate(received), "bytes": sum(r["bytes"] for r in received)}


def udp(pair: tuple[Member, Member], seconds: float, receive_buffer: int | None) -> dict[str, Any]:
    """A flood from one process to another: `gbit_s`, `bytes` received, and what the sockets can do."""
    near, far = pair
    opened = {member: member.call("udp_open", receive_buffer=receive_buffer) for member in pair}
    far.start("udp_absorb", seconds=seconds)
    near.start("udp_flood", port=opened[far]["port"], seconds=seconds + FLOOD_MARGIN)
    received = far.result(seconds)
    near.result()
    for member in pair:
        member.call("udp_close")
    return {**opened[far], "gbit_s": rate([received]), "bytes": received["bytes"]}


def rate(received: list[dict[str, Any]]) -> float:
    """Gbit/s of what several receivers of one process got, from the first start to the last end."""
    seconds = max(r["end"] for r in received) - min(r["start"] for r in received)
    return float(sum(r["bytes"] for r in received) * 8 / seconds / 1e9)
