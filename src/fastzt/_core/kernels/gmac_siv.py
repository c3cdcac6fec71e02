"""AES-GMAC-SIV when interpreted: AES of `cryptography`, its contexts kept per key."""

from __future__ import annotations

from hmac import compare_digest

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB

from ..slab import Slab
from .salsa20 import xor_bytes

PADDING = bytes(5)


class SivKey:
    """The AES contexts of one session."""

    __slots__ = ("block", "gcm", "k1", "unblock")

    def __init__(self, k0: bytes, k1: bytes) -> None:
        self.gcm = AESGCM(k0)
        self.k1 = AES(k1)
        ecb = Cipher(self.k1, ECB())
        self.block = ecb.encryptor()
        self.unblock = ecb.decryptor()

    def fold(self, iv: bytes, header: bytes, body: bytes) -> bytes:
        """Both halves of the GMAC of header (p[8:19]) and body, as one XOR."""
        data = header[:10] + bytes((header[10] & 0xF8,)) + PADDING + body
        tag = self.gcm.encrypt(iv + b"\0\0\0\0", b"", data)
        return xor_bytes(tag[:8], tag[8:])

    def ctr(self, t: bytes, data: bytes) -> bytes:
        """AES-CTR from the counter block that the encrypted (iv, tag) block gives."""
        counter = t[:12] + bytes((t[12] & 0x7F,)) + t[13:]
        return Cipher(self.k1, CTR(counter)).encryptor().update(data)


def seal(siv: SivKey, s: Slab, o: int, n: int) -> None:
    """Seal the packet at `o`, its flags final: new packet id, MAC and body."""
    view = s.view
    iv = bytes(view[o : o + 8])
    body = bytes(view[o + 27 : o + n])
    t = siv.block.update(iv + siv.fold(iv, bytes(view[o + 8 : o + 19]), body))
    view[o + 27 : o + n] = siv.ctr(t, body)
    view[o : o + 8] = t[:8]
    view[o + 19 : o + 27] = t[8:]


def unseal(siv: SivKey, s: Slab, o: int, n: int) -> bool:
    """Decrypt the packet at `o` in place; False when it is forged."""
    view = s.view
    t = bytes(view[o : o + 8]) + bytes(view[o + 19 : o + 27])
    body = siv.ctr(t, bytes(view[o + 27 : o + n]))
    view[o + 27 : o + n] = body
    plain = siv.unblock.update(t)
    return compare_digest(siv.fold(plain[:8], bytes(view[o + 8 : o + 19]), body), plain[8:])


def aes256_block(key: bytes, block: bytes) -> bytes:
    """One block encrypted."""
    return Cipher(AES(key), ECB()).encryptor().update(block)


def aes256_unblock(key: bytes, block: bytes) -> bytes:
    """One block decrypted."""
    return Cipher(AES(key), ECB()).decryptor().update(block)


def aes256_ctr(key: bytes, counter: bytes, data: bytes) -> bytes:
    """Data XOR the counter-mode stream."""
    return Cipher(AES(key), CTR(counter)).encryptor().update(data)


def aes256_gmac(key: bytes, iv: bytes, data: bytes) -> bytes:
    """The GCM tag of an empty plaintext with `data` authenticated."""
    return AESGCM(key).encrypt(iv, b"", data)


def setup() -> None:
    """Nothing to choose."""
