"""GB/s of armor and dearmor through the batch interface that the data path uses."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..._core.armor import SessionKey, armor_batch, dearmor_batch
from ..._core.packet import PAYLOAD
from ..._core.slab import Slab
from ...errors import FastztError

COUNT = 45  # packets of a full message
SIZES = (64, 512, 1400)
SUITES = (1, 3)
KEY = bytes(range(48))
SECONDS = 0.1  # for each figure


def armoring(seconds: float = SECONDS) -> dict[str, dict[str, dict[str, float]]]:
    """GB/s of payload by operation, suite and packet size, by the quickest call."""
    found: dict[str, dict[str, dict[str, float]]] = {"armor": {}, "dearmor": {}}
    for suite in SUITES:
        for size in SIZES:
            sealing, opening = one(suite, size, seconds)
            found["armor"].setdefault(str(suite), {})[str(size)] = sealing
            found["dearmor"].setdefault(str(suite), {})[str(size)] = opening
    return found


def one(suite: int, size: int, seconds: float) -> tuple[float, float]:
    """Armor and dearmor of packets of one size; FastztError unless each packet verifies and comes back."""
    key, slab, sealed = SessionKey(KEY), plain(size), Slab(COUNT * size)
    expected = bytes(slab.view[PAYLOAD:size])
    verdicts = bytearray(COUNT)

    def seal() -> None:
        armor_batch(slab, 0, size, COUNT, size, key, suite)

    def restore() -> None:
        slab.view[:] = sealed.view  # opening is in place

    def unseal() -> None:
        if dearmor_batch(slab, 0, size, COUNT, size, key, verdicts) != COUNT:
            raise FastztError(f"packets of {size} bytes do not verify under suite {suite}")

    seal()
    sealed.view[:] = slab.view
    unseal()
    if bytes(slab.view[PAYLOAD:size]) != expected:
        raise FastztError(f"a packet of {size} bytes does not come back under suite {suite}")
    octets = COUNT * (size - PAYLOAD)
    return octets / best(seal, restore, seconds) / 1e9, octets / best(unseal, restore, seconds) / 1e9


def plain(size: int) -> Slab:
    """Packets with distinct ids, clean flags and some payload."""
    slab = Slab(COUNT * size)
    for i in range(COUNT):
        start = i * size
        slab.view[start : start + 8] = i.to_bytes(8, "big")
        slab.view[start + PAYLOAD : start + size] = bytes(j & 0xFF for j in range(size - PAYLOAD))
    return slab


def best(work: Callable[[], None], prepare: Callable[[], None], seconds: float) -> float:
    """Seconds of the quickest call, each prepared."""
    clock = time.perf_counter
    quickest, now = float("inf"), clock()
    end = now + seconds
    while now < end:
        prepare()
        begin = clock()
        work()
        now = clock()
        quickest = min(quickest, now - begin)
    return quickest
