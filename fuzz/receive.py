"""Mutated datagrams into nodes; see the package. `python -m fuzz.receive --datagrams 100000 --seed 1`."""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field

import fastzt

from .forge import Forge
from .seeds import SESSIONS, Session, load
from .target import Fault, Target

ROUND = 5_000  # datagrams to one node before the next one begins
LONG = 40  # each so many rounds one of ten times as many
TOGETHER = 12
PRIMING = 2_500
LOOK = 1_000
WARM = 4  # times all nodes, after which memory is expected to stay
GROWTH = 24 << 20  # bytes that allocators may add by fragmentation


def resident() -> int:
    """Bytes of memory in use by this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@dataclass
class Figures:
    """What a run comes to."""

    datagrams: int = 0
    seconds: float = 0.0
    sent: int = 0
    rounds: int = 0
    usable: int = 0  # rounds at whose end the network still worked
    counters: Counter[str] = field(default_factory=Counter)
    resident: list[int] = field(default_factory=list)  # after each round

    def report(self) -> dict[str, object]:
        """As printed."""
        mib = [round(size / (1 << 20), 1) for size in self.resident]
        return {
            "datagrams": self.datagrams,
            "per_second": round(self.datagrams / self.seconds) if self.seconds else 0,
            "sent": self.sent,
            "rounds": self.rounds,
            "rounds_ending_usable": self.usable,
            "compiled": fastzt.is_compiled(),
            "rss_mib_first": mib[0] if mib else 0,
            "rss_mib_warm": mib[min(WARM, len(mib)) - 1] if mib else 0,
            "rss_mib_last": mib[-1] if mib else 0,
            "counters": dict(self.counters.most_common()),
        }


def one_round(session: Session, index: int, seed: int, most: int, figures: Figures) -> None:
    """One node's life."""
    dice = random.Random(seed)
    target = Target(session, index, seed)
    forge = Forge(target, dice)
    count = 0
    prime_at = look_at = 0
    try:
        while count < most:
            if count >= prime_at:
                prime_at += PRIMING
                for datagrams in forge.prime():
                    target.receive(datagrams)
            batch = []
            for _ in range(TOGETHER):
                batch += forge.draw()
            target.receive(batch[:64])
            count += sum(max(1, len(data) // stride) if stride else 1 for data, _, _, stride in batch[:64])
            if count >= look_at:
                look_at += LOOK
                target.work()
                target.check()
    finally:
        figures.datagrams += count
    figures.sent += target.sent
    figures.rounds += 1
    figures.usable += target.is_config_held
    figures.counters.update(target.counters)


def run(datagrams: int, seed: int) -> Figures:
    """Rounds with each node of each session in turn, until there were so many datagrams."""
    sessions = [load(name) for name in SESSIONS]
    nodes = [(session, index) for session in sessions for index in range(len(session.identities))]
    figures = Figures()
    began = time.monotonic()
    number = 0
    while figures.datagrams < datagrams:
        session, index = nodes[number % len(nodes)]
        name = seed * 1_000_003 + number
        length = 10 * ROUND if number % LONG == LONG - 1 else ROUND
        try:
            one_round(session, index, name, min(length, datagrams - figures.datagrams), figures)
        except BaseException:
            print(
                f"seed {seed}, round {number} (of seed {name}), near datagram {figures.datagrams}",
                file=sys.stderr,
            )
            raise
        gc.collect()
        figures.resident.append(resident())
        figures.seconds = time.monotonic() - began
        number += 1
    if len(figures.resident) > WARM * len(nodes):
        before, after = figures.resident[WARM * len(nodes) - 1], figures.resident[-1]
        if after - before > GROWTH:
            raise Fault(f"memory grew from {before} to {after} bytes")
    return figures


def main() -> int:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--datagrams", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    try:
        figures = run(given.datagrams, given.seed)
    except Exception:
        traceback.print_exc()
        return 1
    print(json.dumps(figures.report()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
