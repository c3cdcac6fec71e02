"""Mutations: of bytes, of fields and lengths, and of what has a checksum or a signature, made right again."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from fastzt.identity.identity import Identity
from fastzt.netstack.ip_packet import checksum
from fastzt.wire.compression import compress
from fastzt.wire.config_chunk import ConfigChunk
from fastzt.wire.credentials_packet import NetworkCredentials
from fastzt.wire.verbs import Verb

EDGES = (0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255)
WIDTHS = (1, 1, 2, 2, 4, 8)
MAX_PAYLOAD = 9_900
TCP, UDP = 6, 17


class Mutator:
    """Seeded; `pool` is what it splices in."""

    def __init__(self, dice: random.Random, pool: list[bytes]) -> None:
        self.dice = dice
        self.pool = pool

    def bytes(self, data: bytes, most: int = 6) -> bytes:
        """A few changes, most of them near the beginning, where the fields are."""
        changed = bytearray(data)
        for _ in range(1 + int(self.dice.random() ** 3 * most)):
            self.change(changed)
        return bytes(changed[:MAX_PAYLOAD])

    def place(self, n: int) -> int:
        """An offset below n, in the first 64 bytes half of the time."""
        draw = self.dice.random()
        return int(draw * 2 * min(n, 64)) if draw < 0.5 else int((draw - 0.5) * 2 * n)

    def change(self, data: bytearray) -> None:
        """One change in place."""
        draw = self.dice.random()
        n = len(data)
        if n == 0 or draw < 0.05:
            data += self.dice.randbytes(1 + int(self.dice.random() * 40))
        elif draw < 0.4:
            data[self.place(n)] ^= 1 << int(self.dice.random() * 8)
        elif draw < 0.6:
            data[self.place(n)] = EDGES[int(self.dice.random() * len(EDGES))]
        elif draw < 0.8:
            self.field(data)
        elif draw < 0.88:
            del data[self.place(n) :]
        elif draw < 0.94:
            at, size = self.place(n), 1 + int(self.dice.random() * 16)
            del data[at : at + size]
        elif draw < 0.97:
            at, size = self.place(n), 1 + int(self.dice.random() * 200)
            data[at:at] = data[at : at + size]
        else:
            other = self.dice.choice(self.pool)
            at, start = self.place(n), self.place(max(1, len(other)))
            data[at:] = other[start:]

    def field(self, data: bytearray) -> None:
        """An integer of 1, 2, 4 or 8 bytes becomes an edge: of its width, or of the length at hand."""
        width = WIDTHS[int(self.dice.random() * len(WIDTHS))]
        at = self.place(len(data))
        top = (1 << 8 * width) - 1
        value = self.dice.choice(
            (0, 1, top, top >> 1, (top >> 1) + 1, len(data), len(data) - at, len(data) + 1)
        )
        old = int.from_bytes(data[at : at + width], "big")
        if self.dice.random() < 0.4:
            value = old + self.dice.choice((-1, 1, 2, 256))
        data[at : at + width] = (value & top).to_bytes(width, "big")

    def frame(self, payload: bytes, at: int) -> bytes:
        """A frame whose IP packet begins at `at`: mutated, its checksums right again where they can be."""
        head, packet = payload[:at], bytearray(payload[at:])
        if self.dice.random() < 0.1:
            head = self.bytes(head, 2)
        packet = bytearray(self.bytes(bytes(packet)))
        if self.dice.random() < 0.8:
            mend(packet)
        return head + bytes(packet)

    def signed(self, seed_verb: int, payload: bytes, signer: Identity) -> bytes:
        """A config chunk or credentials, mutated inside and signed anew; what cannot be parsed: of bytes."""
        try:
            if seed_verb == Verb.NETWORK_CREDENTIALS:
                return self.credentials(NetworkCredentials.parse(payload), signer)
            if seed_verb == Verb.NETWORK_CONFIG:
                return self.chunk(ConfigChunk.parse(payload), signer)
            return payload[:9] + self.chunk(ConfigChunk.parse(payload[9:]), signer)
        except (ValueError, OverflowError):
            return self.bytes(payload)

    def chunk(self, chunk: ConfigChunk, signer: Identity) -> bytes:
        """A chunk with another dictionary."""
        data = self.bytes(chunk.data, 3)
        update = int.from_bytes(self.dice.randbytes(8), "big")
        changed = replace(chunk, data=data, total=len(data), update_id=update, offset=0, signature=b"")
        return changed.with_signature(signer.sign(changed.signed_bytes)).to_bytes()

    def credentials(self, packet: NetworkCredentials, signer: Identity) -> bytes:
        """Credentials with other ids, times and values."""
        names = ("coms", "capabilities", "tags", "revocations", "ownerships")
        return replace(
            packet,
            **{name: tuple(self.credential(c, signer) for c in getattr(packet, name)) for name in names},
        ).to_bytes()

    def credential(self, credential: Any, signer: Identity) -> Any:
        """One of them."""
        fields: dict[str, Any] = {}
        for name in ("timestamp", "id", "value", "threshold", "credential_id", "flags"):
            known = getattr(type(credential), "__dataclass_fields__", {})
            if name in known and self.dice.random() < 0.3:
                limit = {"timestamp": 62, "threshold": 40, "flags": 8}.get(name, 32)
                fields[name] = self.dice.getrandbits(self.dice.choice((3, limit)))
        changed = replace(credential, **fields)
        if hasattr(changed, "signed_by"):
            changed = changed.signed_by(signer.address, signer.sign(changed.signed_bytes))
        return changed

    def compressed(self, payload: bytes) -> bytes | None:
        """As an LZ4 block, itself mutated now and then; None where that makes it no shorter."""
        block = compress(payload)
        if block is not None and self.dice.random() < 0.3:
            block = self.bytes(block, 2)
        return block


def mend(packet: bytearray) -> None:
    """Make the lengths and checksums of an IP packet right, where its header lets one find them."""
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        head = (packet[0] & 15) * 4
        if not 20 <= head <= len(packet):
            return
        packet[2:4] = min(len(packet), 65535).to_bytes(2, "big")
        packet[10:12] = bytes(2)
        packet[10:12] = checksum(bytes(packet[:head])).to_bytes(2, "big")
        pseudo = packet[12:20]
    elif len(packet) >= 40 and packet[0] >> 4 == 6:
        head = 40
        packet[4:6] = min(len(packet) - 40, 65535).to_bytes(2, "big")
        pseudo = packet[8:40]
    else:
        return
    protocol = packet[9] if head != 40 or packet[0] >> 4 == 4 else packet[6]
    at = head + {TCP: 16, UDP: 6, 1: 2, 58: 2}.get(protocol, 1 << 20)
    if at + 2 > len(packet):
        return
    packet[at : at + 2] = bytes(2)
    summed = bytes(packet[head:])
    if protocol != 1:
        summed = bytes(pseudo) + len(summed).to_bytes(4, "big") + bytes([0, 0, 0, protocol]) + summed
    packet[at : at + 2] = checksum(summed).to_bytes(2, "big")
