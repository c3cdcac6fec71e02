"""Datagrams for a target: seeds, mutated, armored as one of its peers, cut into fragments, damaged."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from netstack.wire import Tcp

from fastzt._core.armor import SessionKey, armor, mask_hello_tail
from fastzt._core.endpoint import V4_PREFIX, Endpoint
from fastzt._core.slab import Slab
from fastzt.identity.identity import Identity
from fastzt.wire.frame import EXT_FRAME_HEAD, FRAME_HEAD
from fastzt.wire.hello import Hello
from fastzt.wire.verbs import COMPRESSED, Verb

from .mutation import MAX_PAYLOAD, Mutator
from .seeds import Seed
from .target import ANSWERS, Target

HEADER = 28
FLAGS, MAC = 18, 19
FRAGMENTED = 0x40
SUITES = (1, 3, 3, 3)
SIGNED = (Verb.NETWORK_CREDENTIALS, Verb.NETWORK_CONFIG)
GATE = 1_100_000  # credentials are looked at once a second and peer
Datagram = tuple[bytes, int, Endpoint, int]


def is_config(seed: Seed) -> bool:
    """Whether it answers a request for a network config."""
    return seed.verb == Verb.OK and seed.payload[:1] == bytes([Verb.NETWORK_CONFIG_REQUEST])


class Forge:
    """Makes what a target receives next."""

    def __init__(self, target: Target, dice: random.Random) -> None:
        self.target = target
        self.dice = dice
        self.slab = Slab(16384)
        me = target.identity.address
        seeds = target.session.seeds
        self.seeds = [seed for seed in seeds if seed.destination in (0, me)] + seeds
        self.genuine = [
            seed for seed in seeds if seed.destination == me and (seed.verb not in ANSWERS or is_config(seed))
        ]
        self.mutator = Mutator(dice, [seed.payload for seed in seeds])
        self.keys = {other.address: SessionKey(target.identity.agree(other)) for other in target.others}
        self.by_address = {other.address: other for other in target.others}
        self.signer = target.session.identities[0]
        self.places = [Endpoint.parse(f"10.30.5.{11 + i}", 9993) for i in range(len(target.others))]
        self.places6 = [Endpoint.parse(f"fd30:5::{11 + i:x}", 9993) for i in range(len(target.others))]

    def draw(self) -> list[Datagram]:
        """The next datagrams: one, the fragments of one packet, or a run."""
        draw = self.dice.random()
        if draw < 0.12 and (segment := self.segment()) is not None:
            frame, owner = segment
            seed = Seed(Verb.FRAME, frame, owner if self.dice.random() < 0.95 else 0)
            return self.send(seed, frame if draw < 0.06 else self.mutator.frame(frame, FRAME_HEAD))
        seed = self.seeds[int(self.dice.random() * len(self.seeds))]
        if draw < 0.16:
            return self.send(seed, seed.payload)
        return self.send(seed, self.mutated(seed))

    def mutated(self, seed: Seed) -> bytes:
        """A seed's payload with a few things changed."""
        draw = self.dice.random()
        if seed.verb == Verb.FRAME and draw < 0.9:
            return self.mutator.frame(seed.payload, FRAME_HEAD)
        if seed.verb == Verb.EXT_FRAME and draw < 0.8:
            return self.mutator.frame(seed.payload, EXT_FRAME_HEAD)
        if (seed.verb in SIGNED or is_config(seed)) and draw < 0.5:
            return self.mutator.signed(seed.verb, seed.payload, self.signer)
        return self.mutator.bytes(seed.payload)

    def segment(self) -> tuple[bytes, int] | None:
        """A FRAME with a TCP segment for a connection of the target, more or less right, and its sender."""
        connection = self.target.call()
        if connection is None or connection.error:
            return None
        dice = self.dice
        near = (0, 0, 0, 1, -1, 1354, -1354, 65535, 1 << 20, 1 << 31)
        flags = dice.choice((0x10, 0x10, 0x18, 0x11, 0x14, 0x12, dice.getrandbits(8)))
        options: dict[int, bytes] = {}
        if not connection.connected:
            flags, options = 0x12, {2: b"\x05\x4a", 3: bytes([dice.getrandbits(4)]), 4: b""}
        elif dice.random() < 0.2:
            options = {5: dice.randbytes(8 * dice.randrange(1, 5))}
        segment = Tcp(
            connection.remote_address[0],
            connection.local_address[0],
            connection.remote_address[1],
            connection.local_address[1],
            connection.rx.next + dice.choice(near) if connection.connected else dice.getrandbits(32),
            connection.tx.una + (dice.choice(near) if connection.connected else 1),
            flags,
            dice.getrandbits(16),
            options,
            dice.randbytes(int(dice.random() ** 3 * 1354)),
        )
        ethertype = b"\x08\x00" if connection.remote_address[0].startswith(V4_PREFIX) else b"\x86\xdd"
        owner = next(address for address, ip in self.target.owned if ip == connection.remote_address[0])
        return self.target.session.nwid.to_bytes(8, "big") + ethertype + segment.packet(), owner

    def send(self, seed: Seed, payload: bytes) -> list[Datagram]:
        """Armor a payload as the seed's sender, or whoever is asked for an answer."""
        source = self.by_address.get(seed.source) or self.dice.choice(self.target.others)
        if seed.verb in ANSWERS and len(payload) >= 9 and self.dice.random() < 0.9:
            question = self.target.question(payload[0], source.address)
            if question is not None:
                payload = payload[:1] + question[0].to_bytes(8, "big") + payload[9:]
                source = self.by_address.get(question[1], source)
        verb = seed.verb
        if self.dice.random() < 0.08:
            block = self.mutator.compressed(payload)
            if block is not None:
                verb, payload = verb | COMPRESSED, block
        return self.datagrams(self.packet(source, verb, payload), source)

    def packet(self, source: Identity, verb: int, payload: bytes) -> bytes:
        """The armored packet."""
        payload = payload[:MAX_PAYLOAD]
        n = HEADER + len(payload)
        view, dice = self.slab.view, self.dice
        view[:8] = dice.randbytes(8)
        view[8:13] = self.target.identity.address.to_bytes(5, "big")
        view[13:18] = source.address.to_bytes(5, "big")
        view[FLAGS] = 0 if dice.random() < 0.8 else dice.getrandbits(3)
        view[MAC : MAC + 8] = bytes(8)
        view[27] = verb
        view[HEADER:n] = payload
        key = self.keys[source.address]
        hello = verb == Verb.HELLO
        if hello:
            self.mask(payload, n, key)
        armor(self.slab, 0, n, key, 0 if hello else SUITES[int(dice.random() * 4)])
        return bytes(view[:n])

    def mask(self, payload: bytes, n: int, key: SessionKey) -> None:
        """What a HELLO hides of itself."""
        try:
            start = HEADER + Hello.tail_offset(payload)
        except ValueError:
            return
        if start < n:
            mask_hello_tail(self.slab, 0, n, start, key)

    def datagrams(self, packet: bytes, source: Identity) -> list[Datagram]:
        """From one of the sender's places, or elsewhere: whole, in fragments, in a run, or damaged."""
        dice = self.dice
        draw = dice.random()
        number = self.target.others.index(source)
        socket, place = (0, self.places[number]) if dice.random() < 0.8 else (1, self.places6[number])
        if draw < 0.02:
            socket, place = 0, Endpoint(bytes(10) + b"\xff\xff" + dice.randbytes(4), dice.getrandbits(16))
        if draw < 0.07:
            return [(self.mutator.bytes(packet) or b"\0", socket, place, 0)]
        if draw < 0.1 and len(packet) > 60:
            return [(piece, socket, place, 0) for piece in self.fragments(packet)]
        if draw < 0.13 and len(packet) < 1500:
            return [self.run(packet, socket, place)]
        return [(packet, socket, place, 0)]

    def run(self, packet: bytes, socket: int, place: Endpoint) -> Datagram:
        """Datagrams of one size that came together; the last may be shorter."""
        count = self.dice.randrange(2, 9)
        data = packet * count
        cut = self.dice.choice((0, 0, 1, len(packet) - 1))
        return data[: len(data) - cut], socket, place, len(packet)

    def fragments(self, packet: bytes) -> list[bytes]:
        """A packet in two to eight pieces, now and then a piece lost, twice, out of order or mutated."""
        dice = self.dice
        count = dice.randrange(2, 9)
        size = len(packet) // count + 1
        head = bytearray(packet[:size])
        if len(head) > FLAGS:
            head[FLAGS] |= FRAGMENTED
        pieces = [bytes(head)]
        for i in range(1, count):
            mark = packet[:8] + packet[8:13] + bytes([0xFF, (count << 4 | i) & 0xFF, dice.getrandbits(2)])
            pieces.append(mark + packet[size * i : size * (i + 1)])
        draw: Any = dice.random()
        if draw < 0.3:
            dice.shuffle(pieces)
        elif draw < 0.4:
            pieces.append(dice.choice(pieces))
        elif draw < 0.5:
            del pieces[dice.randrange(len(pieces))]
        elif draw < 0.6:
            at = dice.randrange(len(pieces))
            pieces[at] = self.mutator.bytes(pieces[at], 2) or b"\0"
        return pieces

    def prime(self) -> Iterator[list[Datagram]]:
        """The session's own packets to this node, as they were, so that what mutations broke works again."""
        for seed in self.genuine:
            if seed.verb in SIGNED:
                self.target.now += GATE
            yield self.send(seed, seed.payload)
