"""Fuzzing: mutated datagrams into whole nodes, and mutated bytes into every cold codec.

    python -m fuzz.receive --datagrams 200000 --seed 1     # the receive path of a node: Core.receive
    python -m fuzz.codecs --inputs 200000 --seed 1         # config, credentials, rules, worlds, SOCKS, ...
    python -m fuzz.campaign --datagrams 10000000           # the first in pieces, each a process of its own

Run them from the root of the source tree, with fastzt installed as any build (`FASTZT_PURE=1`:
interpreted). The same seed gives the same run. Each prints one JSON object with its figures, and ends with
status 1 at the first fault: an exception out of `receive`, `tick` or `transmit`, one that `receive`
survived but counts as a bug of ours (`vl1.raised`), a table above its cap, memory that grows from one round
to the next, a codec that raises anything but what it documents. A crash of the process itself is the
campaign's to tell.

Inputs are those of `tests/vectors`: what the reference sent in recorded sessions, whose secrets are known,
and its credentials, configs and worlds. `seeds` has them in the clear, `mutation` changes bytes, fields and
checksums, signs anew what is signed, names a question that is open where an answer is mutated; `forge`
armors the result as one of the peers and cuts it into fragments now and then; `target` is a node that has
joined the session's network, listens, and has connections open. A twentieth is damaged after it was
armored.

For a compiled build under AddressSanitizer:

    FASTZT_CFLAGS="-O1 -g1 -fsanitize=address -fno-omit-frame-pointer" LDFLAGS=-fsanitize=address \\
        FASTZT_REQUIRE_CYTHON=1 pip install ".[test]"
    LD_PRELOAD=$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16 \\
        python -m fuzz.campaign --datagrams 1000000

A fault becomes a test of its own, with the input that shows it, before it is mended.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
