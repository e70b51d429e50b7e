"""Passwords at rest: ``v1:`` + hex(iv + ciphertext), AES-256-CBC with PKCS#7 padding.

FreeRADIUS needs the clear password for CHAP and MS-CHAPv2, so it cannot be a hash. This is the
form that PostgreSQL's pgcrypto opens inside FreeRADIUS' own query (``decrypt_iv``, algorithm
``aes-cbc/pad:pkcs``), so only the FreeRADIUS process and customers ever hold the key. CBC does not
prove who wrote a value: whoever may write the table could always write a password of his own.

Keys rotate: the first of a list seals, all of it open. The first four bytes of the initialisation
vector say which key sealed (the other twelve are random, far more than CBC needs), so that nobody has
to try keys: CBC's padding would take a wrong one for right once in 256 times. What was sealed before
there was a list carries no such mark, and is under the oldest key.
"""

import hashlib
import os
import re

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

PREFIX = "v1:"
BLOCK_BYTES = 16
KEY_BYTES = 32
MARK_BYTES = 4
SEALED = re.compile(r"v1:(?:[0-9a-f]{32}){2,}")


class Keys(bytes):
    """The key that seals, and the `older` ones that only open, the youngest first."""

    older: tuple[bytes, ...] = ()

    @classmethod
    def from_hex(cls, text: str) -> "Keys":
        """Of `new,old,…`, each 64 hexadecimal digits. Raises ValueError, without showing a key."""
        first, *rest = (key_from_hex(one.strip()) for one in text.split(","))
        keys = cls(first)
        keys.older = tuple(rest)
        return keys


def mark(key: bytes) -> str:
    """What the initialisation vector of everything sealed with this key begins with, in hex."""
    return hashlib.sha256(b"tenure sealing" + key).hexdigest()[: MARK_BYTES * 2]


def oldest(key: bytes) -> bytes:
    """Digests are made under it, since nobody can make them anew from what they are of."""
    older: tuple[bytes, ...] = getattr(key, "older", ())
    return older[-1] if older else key


def key_from_hex(text: str) -> bytes:
    """The 32 bytes of a key given as 64 hexadecimal digits.

    Raises ValueError, without showing the key, for anything else.
    """
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(
            "the sealing key must be 64 hexadecimal digits (make one: openssl rand -hex 32)"
        )
    return key


def seal(plaintext: str, key: bytes) -> str:
    """Encrypt under a fresh initialisation vector: sealing twice gives two different texts."""
    iv = bytes.fromhex(mark(key)) + os.urandom(BLOCK_BYTES - MARK_BYTES)
    padder = PKCS7(AES.block_size).padder()
    padded = padder.update(plaintext.encode()) + padder.finalize()
    encryptor = Cipher(AES(_checked(key)), CBC(iv)).encryptor()
    return PREFIX + (iv + encryptor.update(padded) + encryptor.finalize()).hex()


def unseal(sealed: str, key: bytes) -> str:
    """The text that was sealed. ValueError for another form, a damaged value or a wrong key."""
    if not SEALED.fullmatch(sealed):
        raise ValueError("not a sealed value: expected v1: and hexadecimal blocks of 16 bytes")
    blob = bytes.fromhex(sealed.removeprefix(PREFIX))
    opening = _sealed_with(blob[:MARK_BYTES], key)
    decryptor = Cipher(AES(_checked(opening)), CBC(blob[:BLOCK_BYTES])).decryptor()
    padded = decryptor.update(blob[BLOCK_BYTES:]) + decryptor.finalize()
    unpadder = PKCS7(AES.block_size).unpadder()
    try:
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except ValueError:
        raise ValueError("the sealed value is damaged or was sealed with another key") from None


def _sealed_with(marked: bytes, key: bytes) -> bytes:
    for one in (key, *getattr(key, "older", ())):
        if mark(one) == marked.hex():
            return bytes(one)
    return oldest(key)


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError(f"the sealing key must have {KEY_BYTES} bytes, this one has {len(key)}")
    return key
