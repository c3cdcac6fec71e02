"""RingBuffer: both builds against a dictionary of positions."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pair import PROPERTY, SEEDS, modules, slabs

SOURCE = bytes((i * 7 + i // 256) & 0xFF for i in range(70_000))
SIZES = st.one_of(st.integers(0, 20), st.integers(0, 5000), st.integers(4000, 40_000))
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["write", "append", "read", "read_into", "advance", "discard"]), SIZES),
        st.tuples(st.sampled_from(["write_at", "peek"]), SIZES, SIZES),
        st.tuples(st.just("shrink")),
    ),
    max_size=40,
)


class Model:
    """What a ring holds, byte by byte."""

    def __init__(self, limit: int, start: int) -> None:
        self.limit, self.head, self.tail, self.high = limit, start, start, start
        self.held: dict[int, int] = {}

    def put(self, position: int, data: bytes) -> None:
        self.held.update(zip(range(position, position + len(data)), data, strict=True))
        self.high = max(self.high, position + len(data))

    def write(self, n: int) -> int:
        n = min(n, self.limit - (self.tail - self.head))
        self.put(self.tail, SOURCE[:n])
        self.tail += n
        return n

    append = write

    def write_at(self, gap: int, n: int) -> bool:
        position = self.tail + gap
        if n == 0 or position + n - self.head > self.limit:
            return False
        self.put(position, SOURCE[:n])
        return True

    def take(self, n: int) -> bytes:
        n = min(n, self.tail - self.head)
        data = self.look(self.head, n)
        self.head += n
        return data

    def look(self, position: int, n: int) -> bytes:
        return bytes(self.held[p] for p in range(position, position + n))

    def advance(self, n: int) -> bool:
        # The model fills holes with what lies there: only ranges written in full are advanced over.
        if any(p not in self.held for p in range(self.tail, self.tail + n)):
            return False
        self.tail += n
        return True


def apply(ring: Any, slab: Any, operation: tuple[Any, ...], model: Model) -> Any:
    """One operation on a ring whose state is that of the model before it."""
    match operation:
        case ("write", n):
            return ring.write(memoryview(SOURCE)[:n])
        case ("append", n):
            return ring.append(slab, 0, n)
        case ("write_at", gap, n):
            return ring.write_at(model.tail + gap, slab, 0, n)
        case ("read", n):
            return ring.read(n)
        case ("read_into", n):
            target = bytearray(n)
            return bytes(target[: ring.read_into(target)])
        case ("discard", n):
            return ring.discard(n)
        case ("peek", gap, n):
            made = type(slab)(n + 1)
            ok = ring.peek(model.head + gap, made, 1, n)
            return bytes(made.view[1:]) if ok else None
        case ("advance", n):
            return ring.advance(n)
    return ring.shrink()


def expected(model: Model, operation: tuple[Any, ...]) -> Any:
    match operation:
        case ("read", n) | ("read_into", n):
            return model.take(n)
        case ("discard", n):
            return len(model.take(n))
        case ("peek", gap, n):
            return None if model.head + gap + n > model.tail else model.look(model.head + gap, n)
        case ("shrink",):
            return None
    return getattr(model, operation[0])(*operation[1:])


@PROPERTY
@given(st.sampled_from([100, 4096, 10_000, 65_536]), st.integers(0, 2**40), OPERATIONS)
def test_ring_against_model(limit: int, start: int, operations: list[tuple[Any, ...]]) -> None:
    check(limit, start, operations)


@SEEDS
@pytest.mark.parametrize("limit", [100, 4096, 9000])
def test_long_run(seed: int, limit: int) -> None:
    """Many turns of the ring."""
    random = Random(seed)
    operations: list[tuple[Any, ...]] = []
    for _ in range(250):
        name = random.choice(
            ["write", "append", "read", "read_into", "discard", "write_at", "peek", "advance"]
        )
        sizes = [random.randint(0, limit // 3) for _ in range(1 + (name in ("write_at", "peek")))]
        if name == "write_at" and random.random() < 0.5:
            sizes[0] = 0
        operations.append((name, *sizes))
        if random.random() < 0.03:
            operations.append(("shrink",))
    check(limit, seed * 2**33, operations)


def check(limit: int, start: int, operations: list[tuple[Any, ...]]) -> None:
    """Both builds and the model do the same at each step."""
    model = Model(limit, start)
    rings = []
    for m, make in zip(modules("ring_buffer"), slabs(), strict=True):
        slab = make(len(SOURCE))
        slab.view[:] = SOURCE
        rings.append((m.RingBuffer(limit, start), slab))
    for operation in operations:
        if operation[0] == "advance" and not all(
            p in model.held for p in range(model.tail, model.tail + operation[1])
        ):
            continue  # the ring leaves it to the assembler to know where the holes are
        results = [apply(ring, slab, operation, model) for ring, slab in rings]
        wanted = expected(model, operation)
        assert results == [wanted, wanted]
        for ring, _ in rings:
            assert (ring.head, ring.tail, ring.high) == (model.head, model.tail, model.high)
            assert ring.used() == model.tail - model.head
            assert ring.room() == limit - ring.used()
            assert ring.capacity < 2 * max(limit, 4096)
            if operation[0] == "shrink":
                held = ring.high - ring.head
                assert ring.capacity == 0 if held == 0 else held <= ring.capacity < max(2 * held, 4097)
    for ring, _ in rings:
        assert ring.read(limit) == model.look(model.head, model.tail - model.head)
