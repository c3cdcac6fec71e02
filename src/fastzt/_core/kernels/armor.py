"""Packet armor when interpreted; ranges and lengths are checked by `_core.armor`."""

from __future__ import annotations

from collections.abc import Iterable
from hmac import compare_digest
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.poly1305 import Poly1305

from ..slab import Slab
from .gmac_siv import SivKey, seal, unseal
from .salsa20 import stream, streams, words_of, xor_bytes

if TYPE_CHECKING:
    from ..armor import SessionKey

BATCH_PACKETS = 4  # from here on one numpy pass over all blocks beats an integer pass for each packet


def session_init(owner: SessionKey, key: bytes, k0: bytes, k1: bytes) -> None:
    """Give a session key its Salsa20 key and AES contexts."""
    owner.keys = (key, k0, k1)
    owner.siv = SivKey(k0, k1)


def session_wipe(owner: SessionKey) -> None:
    """Nothing: the interpreter cannot overwrite its bytes."""


def setup() -> None:
    """Nothing to choose."""


def choose_level(level: int) -> int:
    """There is one level."""
    return 0


def level_in_use() -> int:
    """The only level."""
    return 0


def session_part(owner: SessionKey, index: int) -> bytes:
    """Salsa20 key, K0 or K1."""
    return owner.keys[index]


def mangle(key: bytes, header: bytes, n: int) -> bytes:
    """The Salsa20 key mixed with the header p[0:19] (hops masked) and the length: VL1 section 3.1."""
    mix = header[:18] + bytes((header[18] & 0xF8, n & 0xFF, n >> 8 & 0xFF)) + bytes(11)
    return xor_bytes(key, mix)


def flags(s: Slab, o: int, suite: int) -> None:
    """Put the suite into the flags; the fragmented bit stays, hops become 0."""
    s.buffer[o + 18] = s.buffer[o + 18] & 0x40 | suite << 3 | (0x80 if suite == 1 else 0)


def header_key(key: SessionKey, s: Slab, o: int, n: int) -> tuple[bytes, bytes]:
    """Mangled key and nonce of the packet."""
    header = bytes(s.view[o : o + 19])
    return mangle(key.keys[0], header, n), header[:8]


def packet_stream(key: SessionKey, s: Slab, o: int, n: int, suite: int) -> bytes:
    """Block 0, and for suite 1 what the body is XORed with."""
    mangled, iv = header_key(key, s, o, n)
    return stream(mangled, iv, 0, 12, 37 + n if suite == 1 else 32)


def authenticate(s: Slab, o: int, n: int, pad: bytes) -> bytes:
    """The MAC of the body as it is: 8 bytes."""
    return Poly1305.generate_tag(pad[:32], bytes(s.view[o + 27 : o + n]))[:8]


def crypt(s: Slab, o: int, n: int, pad: bytes) -> None:
    """XOR the body with the stream from block 1 on."""
    s.view[o + 27 : o + n] = xor_bytes(bytes(s.view[o + 27 : o + n]), pad[64 : 37 + n])


def salsa_seal(s: Slab, o: int, n: int, suite: int, pad: bytes) -> None:
    """Encrypt (suite 1) and write the MAC."""
    if suite == 1:
        crypt(s, o, n, pad)
    s.view[o + 19 : o + 27] = authenticate(s, o, n, pad)


def salsa_open(s: Slab, o: int, n: int, suite: int, pad: bytes) -> bool:
    """Verify, then decrypt (suite 1)."""
    if not compare_digest(authenticate(s, o, n, pad), bytes(s.view[o + 19 : o + 27])):
        return False
    if suite == 1:
        crypt(s, o, n, pad)
    return True


def seal_one(key: SessionKey, s: Slab, o: int, n: int, suite: int) -> None:
    """Seal one packet."""
    flags(s, o, suite)
    if suite == 3:
        seal(key.siv, s, o, n)
    else:
        salsa_seal(s, o, n, suite, packet_stream(key, s, o, n, suite))


def open_one(key: SessionKey, s: Slab, o: int, n: int) -> bool:
    """Verify and decrypt one packet by its header's suite."""
    suite = s.buffer[o + 18] >> 3 & 7
    if suite == 3:
        return unseal(key.siv, s, o, n)
    if suite > 1:
        return False
    return salsa_open(s, o, n, suite, packet_stream(key, s, o, n, suite))


def pads(key: SessionKey, s: Slab, packets: Iterable[tuple[int, int]]) -> Iterable[bytes]:
    """The streams of many suite 1 packets (offset, length), made in one numpy pass."""
    runs = []
    for o, n in packets:
        mangled, iv = header_key(key, s, o, n)
        runs.append((words_of(mangled, iv), 0, (37 + n + 63) // 64))
    made = streams(runs, 12)
    at = 0
    for _, _, blocks in runs:
        yield made[at : at + 64 * blocks]
        at += 64 * blocks


def seal_batch(key: SessionKey, s: Slab, o: int, stride: int, count: int, last: int, suite: int) -> None:
    """Seal `count` packets; all but the last are `stride` long."""
    packets = [(o + i * stride, stride if i + 1 < count else last) for i in range(count)]
    if suite != 1 or count < BATCH_PACKETS:
        for at, n in packets:
            seal_one(key, s, at, n, suite)
        return
    for at, _ in packets:
        flags(s, at, suite)
    for (at, n), pad in zip(packets, pads(key, s, packets), strict=True):
        salsa_seal(s, at, n, suite, pad)


def open_batch(
    key: SessionKey, s: Slab, o: int, stride: int, count: int, last: int, verdicts: bytearray
) -> int:
    """Open `count` packets; verdicts[i] says whether packet i verified."""
    packets = [(o + i * stride, stride if i + 1 < count else last) for i in range(count)]
    salsa = [i for i, (at, _) in enumerate(packets) if s.buffer[at + 18] >> 3 & 7 == 1]
    done: dict[int, bytes] = {}
    if len(salsa) >= BATCH_PACKETS:
        done = dict(zip(salsa, pads(key, s, [packets[i] for i in salsa]), strict=True))
    for i, (at, n) in enumerate(packets):
        pad = done.get(i)
        verdicts[i] = salsa_open(s, at, n, 1, pad) if pad is not None else open_one(key, s, at, n)
    return sum(verdicts[:count])


def refuse(verdicts: bytearray, count: int) -> None:
    """No packet of the batch is genuine."""
    verdicts[:count] = bytes(count)


def octets(buffer: bytearray) -> bytearray:
    """What the compiled build takes a pointer to."""
    return buffer


def mask_tail(key: SessionKey, s: Slab, o: int, start: int, n: int) -> None:
    """XOR p[start:n] with the stream of the plain key: VL1 section 3.2."""
    iv = bytes(s.view[o : o + 7]) + bytes((s.buffer[o + 7] & 0xF8,))
    tail = bytes(s.view[o + start : o + n])
    s.view[o + start : o + n] = xor_bytes(tail, stream(key.keys[0], iv, 0, 12, len(tail)))
