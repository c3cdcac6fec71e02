"""The memory-hard hash when interpreted: the whole key stream by numpy, the mixing on plain integers."""

from __future__ import annotations

from .salsa20 import streams, words_of

MEMORY = 2097152
WORDS = MEMORY // 8


def mix(digest: bytes) -> bytes:
    """The result for a SHA-512 digest: 64 bytes."""
    import numpy as np

    key_stream = streams([(words_of(digest[:32], digest[32:40]), 0, MEMORY // 64 + WORDS // 2)], 20)
    rows = np.frombuffer(key_stream, dtype=">u8").reshape(-1, 8).astype(np.uint64)
    filled = np.bitwise_xor.accumulate(rows[: MEMORY // 64])
    # The digest is kept without the stream that is due to it: `later` is what has been added to it by then.
    later = memoryview(np.bitwise_xor.accumulate(rows[MEMORY // 64 :]).data).cast("B").cast("Q")
    memory: list[int] = filled.reshape(-1).tolist()
    words = [int.from_bytes(digest[i : i + 8], "big") for i in range(0, 64, 8)]
    due = 0
    for n in range(0, WORDS, 2):
        i, j = memory[n] & 7, memory[n + 1] & (WORDS - 1)
        added = later[due + i] if n else 0
        due = 4 * n
        words[i], memory[j] = memory[j] ^ added, words[i] ^ added
    return b"".join((w ^ later[due + i]).to_bytes(8, "big") for i, w in enumerate(words))


def setup() -> None:
    """Nothing to choose."""
