"""How a connection of fastzt and libzt outlives a cut path: `python tests/interop/silence.py [SECONDS]`.

libzt goes on sending on a path that it has heard nothing on for 243 s; meanwhile only what fastzt sends
arrives, through the root. Prints when data passed again, each way, after the path was cut.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import libzt
from lab import Member, connect
from process import until
from scene import Scene, Scenes

import fastzt

SILENCE = 250.0
PATIENCE = 600.0


def cut(scene: Scene) -> None:
    """Nothing passes between the two hosts."""
    ends = ((scene.ours, scene.theirs), (scene.theirs, scene.ours))
    scene.lab.segment.filter(*(f"ip saddr {a.ip} ip daddr {b.ip} counter drop" for a, b in ends))


def passes(sender: Member, source: int, receiver: Member, sink: int, text: str) -> float:
    """Write a text and wait until it has arrived; how long that took."""
    begun = time.monotonic()
    sender.peer.call("write", handle=source, text=text)
    answer = receiver.peer.start("read", handle=sink)
    assert answer.result(PATIENCE) == text
    return time.monotonic() - begun


def main(seconds: float) -> None:
    scenes = Scenes(libzt.prepare(), Path(tempfile.mkdtemp(prefix="silence-")))
    try:
        scene = scenes.get()
        ours, theirs = scene.ours, scene.theirs
        pair = connect(ours, theirs, scene.nwid, 7400)
        until(lambda: path_of(scene)["connection"] == "direct", "a direct path")
        print(
            f"fastzt {'compiled' if fastzt.is_compiled() else 'interpreted'} and libzt 1.8.4, direct path cut"
        )
        cut(scene)
        begun = time.monotonic()
        took = passes(ours, pair.near, theirs, pair.far, "from fastzt")
        print(f"fastzt to libzt: after {took:.1f} s; {path_of(scene)['connection']}")
        back = passes(theirs, pair.far, ours, pair.near, "from libzt")
        since = time.monotonic() - begun
        print(f"libzt to fastzt: {back:.1f} s after it was written, {since:.1f} s after the cut")
        until(lambda: time.monotonic() - begun > seconds, "the end of the silence", seconds + 10)
        scene.lab.segment.filter()
        for _ in range(2):
            passes(ours, pair.near, theirs, pair.far, "still there")
            passes(theirs, pair.far, ours, pair.near, "still here")
        until(lambda: path_of(scene)["connection"] == "direct", "a direct path", 60)
        print(f"after {time.monotonic() - begun:.0f} s the path is back, the connection is the same")
        pair.end()
    finally:
        scenes.close()


def path_of(scene: Scene) -> dict[str, object]:
    """What fastzt says of libzt."""
    found = scene.ours.peer.call("peers")
    return dict(next(peer for peer in found if peer["id"] == scene.theirs.id))


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else SILENCE)
