"""One TCP flow, or round trips of 64 bytes, between two processes by each API.

`python benchmarks/aio_flows.py` prints Gbit/s, with `--trips` microseconds. Every kind has a pair of members
of its own on one network; in each round every kind has its turn, so that what disturbs one disturbs all.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests")]

from support.nodes import Lab  # noqa: E402

from fastzt.identity.identity import Identity  # noqa: E402

KINDS = ("threads", "protocol", "streams", "uvloop", "tls", "start_tls")
TRIP_KINDS = (
    "kernel-protocol",
    "kernel-streams",
    "kernel-uvloop",
    "threads",
    "protocol",
    "streams",
    "uvloop",
)


class Peer:
    """A process of `aio_peer`."""

    def __init__(self, kind: str, secret: str, nwid: str, planet: bytes) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "aio_peer.py"), kind, secret, nwid],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(HERE.parent / "tests")},
        )
        self.tell(planet.hex())
        self.ip = self.answer()

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def begin(self, name: str, *arguments: Any) -> None:
        """Send a command, whose `answer` comes later."""
        self.tell(json.dumps([name, *arguments]))

    def answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "a peer has ended"
        return json.loads(line)

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.kill()
        self.process.wait(30)


class Flows:
    """Pairs of members by kind, on a network of their own."""

    def __init__(self, kinds: tuple[str, ...] = KINDS) -> None:
        self.lab = Lab()
        self.peers: dict[str, tuple[Peer, Peer]] = {}
        try:
            nwid = self.lab.network(private=False)
            for kind in kinds:
                secrets = [Identity.generate(os.urandom).to_text(secret=True) for _ in range(2)]
                near, far = (Peer(kind, secret, nwid, self.lab.planet) for secret in secrets)
                self.peers[kind] = near, far
        except BaseException:
            self.close()
            raise

    def flow(self, kind: str, seconds: float) -> float:
        """Gbit/s of one flow."""
        near, far = self.peers[kind]
        far.begin("listen")
        port = far.answer()
        far.begin("receive")
        near.begin("send", far.ip, port, seconds)
        sent, received = near.answer(), far.answer()
        assert sent["bytes"] == received["bytes"]
        return float(received["gbit_s"])

    def trips(self, kind: str, count: int) -> float:
        """Microseconds of a round trip, the median of `count`."""
        near, far = self.peers[kind]
        far.begin("listen", True)
        port = far.answer()
        far.begin("echo")
        near.begin("ping", far.ip, port, count)
        found, _ = near.answer(), far.answer()
        return float(found["p50"])

    def close(self) -> None:
        for pair in self.peers.values():
            for peer in pair:
                peer.close()
        self.lab.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", default="", help="by comma; the first is what the others are compared to")
    parser.add_argument("--trips", type=int, default=0, metavar="COUNT", help="round trips, not flows")
    options = parser.parse_args()
    default = TRIP_KINDS if options.trips else KINDS
    kinds = tuple(options.kinds.split(",")) if options.kinds else default
    flows = Flows(kinds)
    try:
        runs: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(options.rounds):
            for kind in kinds:
                done = (
                    flows.trips(kind, options.trips) if options.trips else flows.flow(kind, options.seconds)
                )
                runs[kind].append(done)
    finally:
        flows.close()
    base = statistics.median(runs[kinds[0]])
    unit = "us" if options.trips else "Gbit/s"
    for kind, found in runs.items():
        median = statistics.median(found)
        print(f"{kind:16}{median:8.2f} {unit} {median / base:6.2f}   {' '.join(f'{x:.2f}' for x in found)}")


if __name__ == "__main__":
    main()
