"""Questions to the compiled kernels and their answers: the vectors, and what the interpreted build does."""

from __future__ import annotations

import random
from collections.abc import Iterator

from support.pure import twin
from support.vectors import cases

Case = tuple[str, str]  # a line, and its answer


def text(data: bytes) -> str:
    """Hex as kernels.c reads and writes it."""
    return data.hex() or "-"


def session(secret: bytes) -> str:
    """Salsa key, K0 and K1 of a session."""
    keys = twin("fastzt._core.gmac_siv").siv_keys(secret)
    return text(secret[:32] + keys[0] + keys[1])


def ciphers() -> Iterator[Case]:
    """Salsa20 and Poly1305."""
    for case in cases("salsa_poly", "salsa20"):
        data = bytes.fromhex(case.get("input") or "00" * sum(case["calls"]))
        out, at, block = bytes.fromhex(case["output"]), 0, 0
        for n in case["calls"]:
            line = f"salsa20 {case['key']} {case['iv']} {block} {case['rounds']} {text(data[at : at + n])}"
            yield line, text(out[at : at + n])
            at += n
            block += (n + 63) // 64
    for case in cases("salsa_poly", "poly1305"):
        yield f"poly1305 {case['key']} {case['message'] or '-'}", case["tag"]


def counters() -> Iterator[Case]:
    """Salsa20 where the low half of the block counter ends."""
    pure, rng = twin("fastzt._core.salsa20"), random.Random(1)
    slabs = twin("fastzt._core.slab")
    for start in (2**32 - 1, 2**32 - 6, 2**32 - 30, 2**64 - 3):
        key, iv, data = rng.randbytes(32), rng.randbytes(8), rng.randbytes(64 * 40 + 5)
        slab = slabs.Slab(len(data))
        slab.view[:] = data
        pure.xor(slab, 0, len(data), key, iv, start, 12)
        yield f"salsa20 {text(key)} {text(iv)} {start} 12 {text(data)}", text(bytes(slab.view))


def aes() -> Iterator[Case]:
    """AES-256, counter mode and GMAC."""
    for case in cases("armor", "aes256_block"):
        yield f"aes256 {case['key']} {case['plaintext']}", f"{case['ciphertext']} {case['plaintext']}"
    for case in cases("armor", "aes_ctr"):
        yield f"ctr {case['key']} {case['iv']} {case['plaintext'] or '-'}", case["ciphertext"] or "-"
    for case in cases("armor", "gmac"):
        yield f"gmac {case['key']} {case['iv']} {case['data'] or '-'}", case["tag"]


def packets() -> Iterator[Case]:
    """The reference's packets, sealed and opened."""
    for case in cases("armor", "armor"):
        keys, plain, sealed = (
            session(bytes.fromhex(case["key"])),
            case["plaintext_packet"],
            case["armored_packet"],
        )
        n = len(plain) // 2
        if not case["hops_before"]:
            yield f"seal {keys} {case['cipher_suite']} {n} 1 {n} {plain}", sealed
        if case["dearmor"]:
            yield f"open {keys} {n} 1 {n} {sealed}", f"01 {sealed[:54]}{plain[54:]}"


def shape(rng: random.Random) -> tuple[int, int, int]:
    """Stride, count and length of the last packet."""
    stride = 28 + rng.randrange(rng.choice((70, 300, 1500)))
    count = 1 + rng.randrange(max(2, min(20, 9000 // stride)))
    return stride, count, rng.choice((stride, rng.randint(28, stride)))


def batches(suite: int, number: int) -> Iterator[Case]:
    """Random batches, sealed by the interpreted build, some of their packets forged, and opened by it."""
    pure, slabs, rng = twin("fastzt._core.armor"), twin("fastzt._core.slab"), random.Random(suite)
    for _ in range(number):
        stride, count, last = shape(rng)
        secret, n = rng.randbytes(48), stride * (count - 1) + last
        slab, key, keys = slabs.Slab(n), pure.SessionKey(secret), session(secret)
        slab.view[:] = rng.randbytes(n)
        line = f"seal {keys} {suite} {stride} {count} {last} {text(bytes(slab.view))}"
        pure.armor_batch(slab, 0, stride, count, last, key, suite)
        yield line, text(bytes(slab.view))
        for i in range(count):
            if rng.random() < 0.2:
                slab.view[i * stride + rng.randrange(19, stride if i + 1 < count else last)] ^= 1
        line = f"open {keys} {stride} {count} {last} {text(bytes(slab.view))}"
        verdicts = bytearray(count)
        pure.dearmor_batch(slab, 0, stride, count, last, key, verdicts)
        yield line, f"{text(bytes(verdicts))} {text(bytes(slab.view))}"


def others() -> Iterator[Case]:
    """The Internet checksum and the proof of work."""
    pure, rng = twin("fastzt._core.kernels.checksum"), random.Random(2)
    for n in (0, 1, 2, 3, 20, 63, 64, 65, 1371, 1432):
        data, initial = rng.randbytes(n), rng.randrange(2**32)
        yield f"checksum {text(data)} {initial}", str(pure.sum_data(data, initial))
    digest = rng.randbytes(64)
    made = twin("fastzt._core.kernels.proof_of_work").mix(digest)
    yield f"memory_hard {text(digest)}", text(made)


def everything(number: int = 40) -> list[Case]:
    """All cases; `number` batches of each suite."""
    made = [*ciphers(), *counters(), *aes(), *packets()]
    for suite in (0, 1, 3):
        made += batches(suite, number)
    return made
