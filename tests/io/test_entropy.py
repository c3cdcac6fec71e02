"""Random bytes: of any length, each of them random, none twice."""

from __future__ import annotations

from collections import Counter

import pytest

from fastzt.io.entropy import SEED, entropy


@pytest.mark.parametrize("n", [0, 1, 16, SEED, SEED + 1, 64, 65, 4096])
def test_lengths(n: int) -> None:
    assert len(entropy(n)) == n


def test_large_amounts_are_random_and_differ() -> None:
    first, second = entropy(65536), entropy(65536)
    assert first != second
    for data in (first, second):
        words = [data[i : i + 8] for i in range(0, len(data), 8)]
        assert len(set(words)) == len(words)
        counts = Counter(data)
        assert len(counts) == 256
        assert max(counts.values()) < 400  # 256 expected; 9 standard deviations
