"""Identity: the two key pairs of a node and the address that its public keys earn (PROTOCOL-VL1 2)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from nacl.bindings import crypto_scalarmult_base, crypto_sign_seed_keypair

from ..errors import IdentityError
from ..wire.address import is_reserved
from . import signatures
from .agreement import agree
from .proof_of_work import memory_hard_hash

DIFFICULTY = 17  # the first byte of the hash of an acceptable identity is below this
PUBLIC_SIZE = 71
SECRET_SIZE = 135
_HEX = re.compile(r"[0-9a-fA-F]+")
_MASK64 = (1 << 64) - 1


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """A node's identity, immutable: 40-bit `address`, `public` (64 bytes: X25519, Ed25519), maybe a secret.

    Two are equal when their public parts are. The secret never appears in a repr.
    """

    address: int
    public: bytes
    _secret: bytes = field(default=b"", compare=False)

    @classmethod
    def generate(cls, entropy: Callable[[int], bytes]) -> Identity:
        """A fresh identity from `entropy(64)`: searches about fifteen key pairs (PROTOCOL-VL1 2.3)."""
        while True:
            secret = entropy(64)
            verifier = crypto_sign_seed_keypair(secret[32:])[0]
            found = _search(secret, verifier)
            if not is_reserved(found.address):
                return found

    @classmethod
    def parse(cls, text: str) -> Identity:
        """From `address:0:public[:secret]`; IdentityError names what is wrong. Space around it is ignored."""
        fields = text.strip().split(":")
        if len(fields) not in (3, 4):
            raise IdentityError(f"an identity has 3 or 4 fields separated by colons, not {len(fields)}")
        if fields[1] != "0":
            raise IdentityError("the type of the identity is not 0")
        address = int.from_bytes(_field(fields[0], 5, "address"), "big")
        public = _field(fields[2], 64, "public key")
        secret = _field(fields[3], 64, "secret key") if len(fields) == 4 else b""
        return cls._checked(address, public, secret)

    @classmethod
    def from_bytes(cls, data: bytes) -> Identity:
        """From 71 bytes, or 135 with the secret; IdentityError for anything else (PROTOCOL-VL1 2.6)."""
        if len(data) not in (PUBLIC_SIZE, SECRET_SIZE):
            raise IdentityError(f"an identity takes 71 or 135 bytes, not {len(data)}")
        if data[5] != 0:
            raise IdentityError(f"identity of unknown type {data[5]}")
        if data[70] != len(data) - PUBLIC_SIZE:
            raise IdentityError(f"the identity announces {data[70]} bytes of secret, {len(data) - 71} follow")
        return cls._checked(int.from_bytes(data[:5], "big"), bytes(data[6:70]), bytes(data[71:]))

    @classmethod
    def _checked(cls, address: int, public: bytes, secret: bytes) -> Identity:
        if is_reserved(address):
            raise IdentityError(f"the address {address:010x} is reserved")
        if secret and _public_of(secret) != public:
            raise IdentityError(
                f"the secret key of identity {address:010x} does not belong to its public key"
            )
        return cls(address, public, secret)

    @property
    def has_secret(self) -> bool:
        """Whether it can sign and agree."""
        return bool(self._secret)

    @property
    def without_secret(self) -> Identity:
        """The public part alone."""
        return Identity(self.address, self.public)

    def to_text(self, secret: bool = False) -> str:
        """`address:0:public`, with `secret` followed by the secret; IdentityError when there is none."""
        text = f"{self.address:010x}:0:{self.public.hex()}"
        return f"{text}:{self._need_secret().hex()}" if secret else text

    def to_bytes(self) -> bytes:
        """The 71 public bytes of the wire."""
        return self.address.to_bytes(5, "big") + b"\0" + self.public + b"\0"

    def to_secret_bytes(self) -> bytes:
        """All 135 bytes; IdentityError without a secret."""
        return self.to_bytes()[:70] + b"\x40" + self._need_secret()

    def validate(self) -> bool:
        """Whether the public key earns the address: some 15 ms of work without the GIL (PROTOCOL-VL1 2.4)."""
        digest = memory_hard_hash(self.public)
        address = int.from_bytes(digest[59:], "big")
        return digest[0] < DIFFICULTY and address == self.address and not is_reserved(address)

    def agree(self, other: Identity) -> bytes:
        """The 48 bytes shared with `other`; IdentityError without a secret or for a low-order public key."""
        return agree(self._need_secret()[:32], other.public[:32])

    def sign(self, message: bytes) -> bytes:
        """The 96-byte signature of a message; IdentityError without a secret."""
        return signatures.sign(self._need_secret()[32:], message)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether this identity signed the message."""
        return signatures.verify(self.public, message, signature)

    def public_hash(self) -> bytes:
        """The first 32 bytes of SHA-384 of address and public key: qualifiers 3 to 6 of a COM."""
        return hashlib.sha384(self.address.to_bytes(5, "big") + self.public).digest()[:32]

    def _need_secret(self) -> bytes:
        if not self._secret:
            raise IdentityError(f"identity {self.address:010x} has no secret key")
        return self._secret

    def __repr__(self) -> str:
        return f"Identity({self.address:010x}{', with secret' if self._secret else ''})"

    def __str__(self) -> str:
        return self.to_text()


def _field(text: str, size: int, what: str) -> bytes:
    if len(text) != 2 * size or not _HEX.fullmatch(text):
        raise IdentityError(f"the {what} of the identity is not {2 * size} hexadecimal digits")
    return bytes.fromhex(text)


def _public_of(secret: bytes) -> bytes:
    return crypto_scalarmult_base(secret[:32]) + crypto_sign_seed_keypair(secret[32:])[0]


def _search(secret: bytes, verifier: bytes) -> Identity:
    """Step through X25519 secrets until the public key, `verifier` behind it, passes the proof of work."""
    up, down = int.from_bytes(secret[8:16], "little"), int.from_bytes(secret[16:24], "little")
    while True:
        up, down = up + 1 & _MASK64, down - 1 & _MASK64
        agreement = secret[:8] + up.to_bytes(8, "little") + down.to_bytes(8, "little") + secret[24:32]
        public = crypto_scalarmult_base(agreement) + verifier
        digest = memory_hard_hash(public)
        if digest[0] < DIFFICULTY:
            return Identity(int.from_bytes(digest[59:], "big"), public, agreement + secret[32:])
