"""How fast one TCP flow is between fastzt and libzt, for the record: `python tests/interop/throughput.py`.

Each line is a median of several runs of some seconds, sender -> receiver, the receiver's byte count, all
nodes on this machine. It asserts nothing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import libzt
from lab import Member, connect
from scene import Scene, Scenes, settle

SECONDS = 3.0
RUNS = 3
PORT = 7900


def flow(sender: Member, receiver: Member, nwid: str, port: int) -> float:
    """Gbit/s of one flow."""
    pair = connect(sender, receiver, nwid, port)
    drained = receiver.peer.start("drain", handle=pair.far)
    sender.peer.call("flood", handle=pair.near, seconds=SECONDS)
    result = drained.result(SECONDS + 60)
    receiver.peer.call("close", handle=pair.far)
    sender.peer.call("close", handle=pair.near)
    return float(result["size"] * 8 / result["seconds"] / 1e9)


def lines(scene: Scene) -> dict[str, tuple[Member, Member]]:
    """Sender and receiver of each line: every combination of the two kinds."""
    lab = scene.lab
    ours, theirs = lab.fastzt("ours-2"), lab.libzt("theirs-2")
    lab.authorize(scene.nwid, ours, theirs)
    settle(scene.nwid, scene.scout, ours, theirs)
    return {
        "fastzt -> fastzt": (scene.ours, ours),
        "fastzt -> libzt": (scene.ours, scene.theirs),
        "libzt -> fastzt": (scene.theirs, scene.ours),
        "libzt -> libzt": (scene.theirs, theirs),
    }


def main() -> None:
    """Measure and print."""
    scenes = Scenes(libzt.prepare(), Path(tempfile.mkdtemp(prefix="throughput-")))
    try:
        scene = scenes.get()
        pairs = lines(scene)
        runs: dict[str, list[float]] = {name: [] for name in pairs}
        for number in range(RUNS):
            for name, (sender, receiver) in pairs.items():
                runs[name].append(flow(sender, receiver, scene.nwid, PORT + number))
        for name, found in runs.items():
            several = " ".join(f"{rate:.3f}" for rate in sorted(found))
            print(f"{name:18}{statistics.median(found):6.3f} Gbit/s of {several}")
    finally:
        scenes.close()


if __name__ == "__main__":
    sys.exit(main())
