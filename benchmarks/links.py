"""One TCP flow over bad links: fastzt beside Linux's own TCP, over the same emulated link.

    python benchmarks/links.py [--seconds 8] [--rounds 5] [--only TEXT] [--json FILE] [--runs FILE [--most N]]

Needs Linux, root, iproute2 and a C compiler. Each link joins two network namespaces
(tests/interop/emulated_link.py). Both stacks send for the same time over a fresh link with the same seed,
in turns; medians are compared. What counts is what the receiver gets once the flow has run for `WARM` s.
Delays are round trips: half of it each way.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent.parent / "tests" / "interop"))

from emulated_link import ADDRESSES, EmulatedLink, LinkSettings  # noqa: E402

PEER = HERE.with_name("link_peer.py")
RATE = 200_000_000
WARM = 3.0
PATIENCE = 90.0
ATTEMPTS = 3  # at a run in which the emulator was overtaxed
PAYLOAD = {"fastzt": 1342 / 1460, "linux": 1448 / 1500}  # of the bytes of a full packet on this link


@dataclass(frozen=True)
class Link:
    """`trip` in ms, `loss` and `reorder` in percent; a reordered one waits for a quarter of the trip."""

    trip: int
    loss: float = 0.0
    reorder: float = 0.0

    def settings(self, seed: int) -> LinkSettings:
        """For the emulator: the queue holds one bandwidth-delay product."""
        product = int(RATE * self.trip / 1000 / 8 / 1500)
        return LinkSettings(
            rate=RATE,
            queue=max(product, 300),
            delay=self.trip * 500,
            loss=self.loss / 100,
            reorder=self.reorder / 100,
            held=self.trip * 250,
            seed=seed,
        )

    def __str__(self) -> str:
        parts = [f"{self.trip} ms"]
        parts += [f"{self.loss:g} % loss"] if self.loss else []
        parts += [f"{self.reorder:g} % reordered"] if self.reorder else []
        return ", ".join(parts if len(parts) > 1 else [*parts, "clean"])


@dataclass(frozen=True)
class Row:
    """What is compared: `bar` is the least ratio to Linux, or to what `against` says."""

    link: Link
    congestion: str
    against: str = "linux"  # or "capacity", "clean"
    bar: float | None = None


ROWS = [
    Row(Link(20), "cubic"),
    Row(Link(20), "bbr"),
    Row(Link(20, loss=1), "cubic", bar=0.8),
    Row(Link(100, loss=0.1), "cubic", bar=0.8),
    Row(Link(20, loss=1), "bbr", bar=0.5),
    Row(Link(100, loss=0.1), "bbr"),
    Row(Link(100), "cubic", "capacity", 0.9),
    Row(Link(100), "bbr", "capacity", 0.9),
    Row(Link(20, reorder=3), "cubic", "clean", 0.8),
    Row(Link(20, reorder=3), "bbr", "clean", 0.8),
]


class Peer:
    """A process of link_peer.py in a namespace; it says one JSON object a line."""

    def __init__(self, namespace: str, *arguments: str) -> None:
        command = ["ip", "netns", "exec", namespace, sys.executable, str(PEER), *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def told(self) -> dict[str, Any]:
        """The next object; RuntimeError when the process has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer ended with status {self.process.wait(PATIENCE)}")
        return dict(json.loads(line))

    def stop(self) -> None:
        """End it: it lives until its standard input ends."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


@contextlib.contextmanager
def peer(namespace: str, *arguments: str) -> Iterator[Peer]:
    made = Peer(namespace, *arguments)
    try:
        yield made
    finally:
        made.stop()


def run(stack: str, link: Link, congestion: str, seconds: float, seed: int) -> tuple[float, dict[str, Any]]:
    """Mbit/s of one flow over a fresh link, and the emulator's report."""
    emulated = EmulatedLink(link.settings(seed), stack[0])
    near, far = emulated.namespaces
    try:
        with tempfile.TemporaryDirectory() as directory:
            times = [str(WARM), str(seconds)]
            with peer(near, stack, "sink", directory, ADDRESSES[0], *times) as sink:
                where = sink.told()
                with peer(far, stack, "source", directory, ADDRESSES[1], congestion, json.dumps(where)):
                    result = sink.told()
    finally:
        report = emulated.close()
    return result["bytes"] * 8 / result["seconds"] / 1e6, report


def measure(stack: str, link: Link, congestion: str, seconds: float, seed: int) -> float:
    """As `run`, again when the emulator was overtaxed; LookupError when it always is."""
    for _ in range(ATTEMPTS):
        rate, report = run(stack, link, congestion, seconds, seed)
        if not report["void"]:
            return rate
        print(f"void: the link emulator was overtaxed: {report}", file=sys.stderr)
    raise LookupError("the machine is too busy to emulate the link")


class Runs:
    """Mbit/s of each run, kept in a file when there is one; LookupError after `most` new ones."""

    def __init__(self, path: Path | None, most: int) -> None:
        self.path = path
        self.left = most
        self.rates: dict[str, float] = json.loads(path.read_text()) if path and path.exists() else {}

    def rate(self, stack: str, link: Link, congestion: str, seconds: float, seed: int) -> float:
        """What was measured before, or now."""
        key = f"{stack}, {congestion}, {link}, {seconds:g} s, seed {seed}"
        if key not in self.rates:
            if self.left == 0:
                raise LookupError("more runs are to come")
            self.left -= 1
            self.rates[key] = round(measure(stack, link, congestion, seconds, seed), 3)
            print(f"{key}: {self.rates[key]:.2f} Mbit/s", file=sys.stderr, flush=True)
            if self.path:
                self.path.write_text(json.dumps(self.rates, indent=1) + "\n")
        return self.rates[key]


def medians(rows: list[Row], rounds: int, seconds: float, runs: Runs) -> dict[tuple[str, Link, str], float]:
    """Of all rounds, by stack, link and congestion control; the stacks take turns."""
    wanted = {(row.link, row.congestion) for row in rows}
    wanted |= {(Link(row.link.trip), row.congestion) for row in rows if row.against == "clean"}
    found: dict[tuple[str, Link, str], list[float]] = {}
    for seed in range(1, rounds + 1):
        for link, congestion in sorted(wanted, key=str):
            for stack in ("fastzt", "linux"):
                rate = runs.rate(stack, link, congestion, seconds, seed)
                found.setdefault((stack, link, congestion), []).append(rate)
    return {key: statistics.median(rates) for key, rates in found.items()}


def compare(row: Row, median: dict[tuple[str, Link, str], float]) -> dict[str, Any]:
    """One row of the result."""
    mine = median["fastzt", row.link, row.congestion]
    linux = median["linux", row.link, row.congestion]
    base = {
        "linux": linux,
        "capacity": RATE / 1e6 * PAYLOAD["fastzt"],
        "clean": median.get(("fastzt", Link(row.link.trip), row.congestion), 0.0),
    }[row.against]
    return {
        "link": str(row.link),
        "congestion": row.congestion,
        "fastzt_mbit_s": round(mine, 2),
        "linux_mbit_s": round(linux, 2),
        "ratio_to": row.against,
        "ratio": round(mine / base, 3),
        "bar": row.bar,
    }


def show(results: list[dict[str, Any]]) -> bool:
    """Print the table; whether every bar is reached."""
    print(f"{'link':28} {'control':7} {'fastzt':>9} {'Linux':>9}  {'ratio':>6} {'to':9} {'bar':>5}")
    good = True
    for r in results:
        reached = r["bar"] is None or r["ratio"] >= r["bar"]
        good = good and reached
        bar = "" if r["bar"] is None else f"{r['bar']:.2f}"
        print(
            f"{r['link']:28} {r['congestion']:7} {r['fastzt_mbit_s']:9.2f} {r['linux_mbit_s']:9.2f}  "
            f"{r['ratio']:6.2f} {r['ratio_to']:9} {bar:>5}{'' if reached else '  BELOW'}"
        )
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=8.0, help="measured, behind the warm-up")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose link and control contain this text")
    parser.add_argument("--json", type=Path, help="write the results to a file")
    parser.add_argument("--runs", type=Path, help="keep the runs in a file, and go on from it")
    parser.add_argument(
        "--most", type=int, default=-1, help="with --runs: stop (status 3) after so many new ones"
    )
    arguments = parser.parse_args()
    rows = [row for row in ROWS if arguments.only in f"{row.link} {row.congestion}"]
    try:
        runs = Runs(arguments.runs, arguments.most)
        median = medians(rows, arguments.rounds, arguments.seconds, runs)
    except LookupError as error:
        print(error, file=sys.stderr)
        return 3
    results = [compare(row, median) for row in rows]
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0 if show(results) else 1


if __name__ == "__main__":
    sys.exit(main())
