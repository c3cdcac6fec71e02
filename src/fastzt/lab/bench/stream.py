"""A stream of known bytes over anything that has `sendall` and `recv_into`, timed where it is received.

First comes a prologue that never repeats, digested whole with SHA-256 and not timed. Then one seeded block
is sent again and again for as long as wanted; the receiver compares each lap with the block, which costs a
thirtieth of what a digest would. The block's length is a prime: no lap lies in a ring buffer where one
before it lay, so bytes of an earlier lap in the place of later ones are noticed.
"""

from __future__ import annotations

import functools
import hashlib
import random
import socket
import time
from typing import Any

from ..._core.slab import is_compiled
from ...errors import FastztError

BLOCK = 262_139
PROLOGUE = 1 << 24 if is_compiled() else 1 << 19


class Damaged(FastztError):
    """What arrived is not what was sent."""


@functools.lru_cache(8)
def block_of(seed: int) -> bytes:
    """The block that a seed gives."""
    return random.Random(seed).randbytes(BLOCK)


@functools.lru_cache(2)
def prologue_of(seed: int) -> bytes:
    """What is sent before the clock starts."""
    return random.Random(-1 - seed).randbytes(PROLOGUE)


def pieces_of(block: bytes, size: int) -> tuple[list[memoryview], int]:
    """What to write one after another, `size` bytes each (less at a lap's end), and how many laps that is."""
    laps = max(size // BLOCK, 1)
    view = memoryview(block * laps)
    size = min(size, len(view))
    return [view[at : at + size] for at in range(0, len(view), size)], laps


def send(sock: Any, seed: int, seconds: float, write_size: int) -> dict[str, Any]:
    """Send for about so long, then wait until the other end has read all of it."""
    prologue = prologue_of(seed)
    pieces, laps_a_turn = pieces_of(block_of(seed), write_size)
    sock.sendall(prologue)
    sendall, clock, laps = sock.sendall, time.perf_counter, 0
    end = clock() + seconds
    while clock() < end:
        for piece in pieces:
            sendall(piece)
        laps += laps_a_turn
    sock.shutdown(socket.SHUT_WR)
    sock.recv(1)
    return {"bytes": laps * BLOCK, "sha256": hashlib.sha256(prologue).hexdigest()}


def receive(sock: Any, seed: int) -> dict[str, Any]:
    """Receive to the end of the stream; raises Damaged unless it is what `seed` gives."""
    block = block_of(seed)
    buffer = bytearray(BLOCK)
    view, recv_into, clock = memoryview(buffer), sock.recv_into, time.perf_counter
    digest = receive_prologue(sock, view)
    filled = laps = 0
    start = clock()
    while n := recv_into(view[filled:]):
        filled += n
        if filled == BLOCK:
            if buffer != block:
                raise Damaged(f"lap {laps} of the stream differs from what was sent")
            laps, filled = laps + 1, 0
    end = clock()
    if filled:
        raise Damaged(f"the stream ended {BLOCK - filled} bytes before the end of lap {laps}")
    return {"bytes": laps * BLOCK, "start": start, "end": end, "sha256": digest}


def receive_prologue(sock: Any, view: memoryview) -> str:
    """Receive the prologue; its SHA-256."""
    digest, left = hashlib.sha256(), PROLOGUE
    while left:
        n = sock.recv_into(view[: min(left, len(view))])
        if not n:
            raise Damaged(f"the stream ended {left} bytes before the end of its prologue")
        digest.update(view[:n])
        left -= n
    return digest.hexdigest()
