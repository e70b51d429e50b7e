"""The file of PINs, sealed for a passphrase that is stored nowhere.

The passphrase gives a private key (scrypt, RFC 7914; X25519, RFC 7748); only its public half is kept,
so who makes the file cannot open it again. A header line of JSON, then blocks of AES-256-GCM (RFC 5116),
each of a 4-byte length and its ciphertext; the nonce counts the blocks and marks the last one, so that
none can be left out, moved or cut off. `python -m payments open-cards FILE` opens it.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

FORMAT = "tenure-cards-1"
# 32 MB and some 80 ms for a guess: a passphrase of 12 characters is not found by trying.
SCRYPT = {"n": 2**15, "r": 8, "p": 1}
SALT_BYTES = 16
# A block of 10,000 lines is below 1 MB; more in a header's place is no file of ours.
LARGEST_BLOCK = 16 * 2**20
_LENGTH_BYTES = 4


class NotOpened(ValueError):
    """Another passphrase, or a file that is damaged or none of ours."""


def new_lock(passphrase: str) -> tuple[bytes, bytes]:
    """(salt, public key) for a passphrase: enough to seal, not to open."""
    salt = os.urandom(SALT_BYTES)
    return salt, _private(passphrase, salt).public_key().public_bytes_raw()


def _private(passphrase: str, salt: bytes) -> X25519PrivateKey:
    seed = Scrypt(salt=salt, length=32, **SCRYPT).derive(passphrase.encode())
    return X25519PrivateKey.from_private_bytes(seed)


def _cipher(shared: bytes, header: bytes) -> AESGCM:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=header).derive(shared)
    return AESGCM(key)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


class Sealer:
    """Writes blocks to `file`; `end` writes the last one. The key is this file's alone."""

    def __init__(self, file: BinaryIO, salt: bytes, public_key: bytes) -> None:
        one_time = X25519PrivateKey.generate()
        header = orjson.dumps(
            {"format": FORMAT, "salt": _text(salt), **SCRYPT,
             "key": _text(one_time.public_key().public_bytes_raw())}
        )  # fmt: skip
        self.file, self.number = file, 0
        self.cipher = _cipher(
            one_time.exchange(X25519PublicKey.from_public_bytes(public_key)), header
        )
        file.write(header + b"\n")

    def write(self, text: bytes, *, last: bool = False) -> None:
        block = self.cipher.encrypt(_nonce(self.number, last=last), text, None)
        self.file.write(len(block).to_bytes(_LENGTH_BYTES, "big") + block)
        self.number += 1

    def end(self) -> None:
        self.write(b"", last=True)


def opened(file: BinaryIO, passphrase: str) -> Iterator[bytes]:
    """The text of a sealed file, block by block. Raises NotOpened."""
    header = file.readline(1000).removesuffix(b"\n")
    cipher = _opener(header, passphrase)
    number, last = 0, False
    while not last:
        length = file.read(_LENGTH_BYTES)
        size = int.from_bytes(length, "big")
        if len(length) < _LENGTH_BYTES or size > LARGEST_BLOCK:
            raise NotOpened("the file ends too early or is damaged")
        text, last = _open_block(cipher, number, file.read(size))
        number += 1
        yield text
    if file.read(1):
        raise NotOpened("there is more in the file than was written")


def _opener(header: bytes, passphrase: str) -> AESGCM:
    try:
        said: dict[str, Any] = orjson.loads(header)
        if said["format"] != FORMAT or {name: said[name] for name in SCRYPT} != SCRYPT:
            raise NotOpened("not a file of recharge cards of this version")
        private = _private(passphrase, base64.b64decode(said["salt"]))
        public = X25519PublicKey.from_public_bytes(base64.b64decode(said["key"]))
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise NotOpened("not a file of recharge cards") from error
    return _cipher(private.exchange(public), header)


def _open_block(cipher: AESGCM, number: int, block: bytes) -> tuple[bytes, bool]:
    for last in (False, True):
        try:
            return cipher.decrypt(_nonce(number, last=last), block, None), last
        except InvalidTag:
            continue
    raise NotOpened("another passphrase, or the file is damaged")


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
