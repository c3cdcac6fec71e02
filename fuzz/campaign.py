"""Many datagrams in pieces, each of its own seed and process; see the package.

`python -m fuzz.campaign --datagrams 10000000 --first-seed 1`: what each piece printed, one line each, then
the sums. The first piece that fails ends it, with what it wrote to stderr: an exception, or what
AddressSanitizer found.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from typing import Any

from . import ROOT

PIECE = 500_000


def piece(datagrams: int, seed: int) -> dict[str, Any] | None:
    """One process; None when it failed."""
    command = [sys.executable, "-X", "faulthandler", "-m", "fuzz.receive"]
    command += ["--datagrams", str(datagrams), "--seed", str(seed)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(f"the piece of seed {seed} ended with {done.returncode}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--datagrams", type=int, default=10_000_000)
    options.add_argument("--first-seed", type=int, default=1)
    given = options.parse_args()
    counters: Counter[str] = Counter()
    total, seed = 0, given.first_seed
    begin: list[float] = []
    end: list[float] = []
    while total < given.datagrams:
        found = piece(min(PIECE, given.datagrams - total), seed)
        if found is None:
            return 1
        counters.update(found.pop("counters"))
        print(json.dumps({"seed": seed, **found}), flush=True)
        total, seed = total + found["datagrams"], seed + 1
        begin.append(found["rss_mib_first"])
        end.append(found["rss_mib_last"])
    memory = {"rss_mib_first": max(begin), "rss_mib_last": max(end)}
    print(json.dumps({"datagrams": total, **memory, "counters": dict(counters.most_common())}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
