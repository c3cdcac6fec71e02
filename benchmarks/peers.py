"""fastzt beside the real libzt 1.8.4 and the kernel's TCP: `python benchmarks/peers.py` (as root, on Linux).

Each node is a process in a network namespace of its own; root and controller are fastzt's. One TCP flow at a
time, sent and checked by the same code (`fastzt bench`'s), every kind in each run, one after another; medians
and ratios at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
INTEROP = HERE.parent / "tests" / "interop"
sys.path.insert(0, str(INTEROP))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(INTEROP), os.environ.get("PYTHONPATH", "")]))

import libzt  # noqa: E402
import netns  # noqa: E402
from lab import Lab, Member, connect  # noqa: E402
from scene import settle  # noqa: E402

PORT = 7900
SEED = 1
PATIENCE = 120.0
NAMES = {"fastzt": "fastzt", "libzt": "libzt 1.8.4", "kernel": "the kernel's TCP, unencrypted"}


class StreamLab(Lab):
    """A lab whose peers are `stream_peer` programs."""

    def _start(self, name: str, namespace: str, ip: str, program: list[str], **environment: str) -> Member:
        kind = Path(program[0]).stem
        program = [str(HERE / "stream_peer.py"), kind, *program[1:]]
        return super()._start(name, namespace, ip, program, **environment)


class Contest:
    """Two members of each kind on one network."""

    def __init__(self, lab: Lab, seconds: float, write_size: int) -> None:
        self.seconds = seconds
        self.write_size = write_size
        self.ours = lab.fastzt("ours-1"), lab.fastzt("ours-2")
        self.theirs = lab.libzt("theirs-1"), lab.libzt("theirs-2")
        scout = lab.fastzt("scout")
        self.nwid = lab.network(*self.ours, *self.theirs, scout)
        settle(self.nwid, scout, *self.ours, *self.theirs)

    def flow(self, kind: str, port: int) -> float:
        """Gbit/s of one flow between two of a kind."""
        if kind == "kernel":
            return self._kernel()
        near, far = self.ours if kind == "fastzt" else self.theirs
        pair = connect(near, far, self.nwid, port)
        return self._stream(near, pair.near, far, pair.far)

    def _kernel(self) -> float:
        near, far = self.ours
        listening = far.peer.call("kernel_listen", host=far.ip)
        accepted = far.peer.start("kernel_accept", handle=listening["handle"])
        source = near.peer.call("kernel_connect", host=far.ip, port=listening["port"])
        return self._stream(near, source, far, accepted.result(PATIENCE), kernel=True)

    def _stream(self, near: Member, source: int, far: Member, sink: int, kernel: bool = False) -> float:
        receiving = far.peer.start("stream_receive", handle=sink, seed=SEED, kernel=kernel)
        sending = near.peer.start(
            "stream_send",
            handle=source,
            seed=SEED,
            seconds=self.seconds,
            write_size=self.write_size,
            kernel=kernel,
        )
        received, sent = receiving.result(self.seconds + PATIENCE), sending.result(PATIENCE)
        assert (sent["bytes"], sent["sha256"]) == (received["bytes"], received["sha256"]), (sent, received)
        return float(received["bytes"] * 8 / (received["end"] - received["start"]) / 1e9)


def measure(options: argparse.Namespace, tell: Callable[[str], None]) -> dict[str, list[float]]:
    """Gbit/s by kind, run by run."""
    runs: dict[str, list[float]] = {kind: [] for kind in NAMES}
    library = libzt.prepare()
    with tempfile.TemporaryDirectory(prefix="fastzt-peers-") as directory:
        segment = netns.Segment("peers")
        try:
            lab = StreamLab(segment, library, Path(directory))
            try:
                contest = Contest(lab, options.seconds, options.write_size)
                for run in range(options.runs):
                    for kind, found in runs.items():
                        tell(f"run {run + 1} of {options.runs}: {NAMES[kind]}")
                        found.append(contest.flow(kind, PORT + run))
            finally:
                lab.close()
        finally:
            segment.close()
    return runs


def report(runs: dict[str, list[float]]) -> dict[str, Any]:
    """Medians, and the median ratio of the runs to libzt."""
    ratios = {
        kind: statistics.median(ours / theirs for ours, theirs in zip(found, runs["libzt"], strict=True))
        for kind, found in runs.items()
    }
    medians = {kind: statistics.median(found) for kind, found in runs.items()}
    return {"gbit_s": medians, "to_libzt": ratios, "runs": runs}


def table(found: dict[str, Any]) -> None:
    """Print it."""
    print(f"{'one TCP flow between namespaces':34}{'Gbit/s':>8}{'to libzt':>10}   runs")
    for kind, name in NAMES.items():
        runs = " ".join(f"{rate:.3f}" for rate in found["runs"][kind])
        print(f"{name:34}{found['gbit_s'][kind]:8.3f}{found['to_libzt'][kind]:10.2f}   {runs}")


def main() -> None:
    """Measure and print; status 1 where namespaces or the wheel cannot be had."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write-size", type=int, default=1 << 18)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    def tell(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    try:
        found = report(measure(options, tell))
    except (libzt.Unavailable, netns.Unavailable) as error:
        sys.exit(f"peers: {error}")
    tell("")
    if options.json:
        print(json.dumps(found))
    else:
        table(found)


if __name__ == "__main__":
    main()
