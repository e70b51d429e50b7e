"""The client's side of MS-CHAPv2 (RFC 2759), for logging in as most PPPoE fleets do.

MD4 and single DES are what the protocol is made of; nothing else in this product may use them.
"""

import hashlib
import struct

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

WORD = 0xFFFFFFFF


def response(identifier: int, username: str, password: str, challenge: bytes, peer: bytes) -> bytes:
    """The value of MS-CHAP2-Response (RFC 2548 section 2.3.2); both challenges have 16 bytes."""
    answer = nt_response(challenge, peer, username, password)
    return struct.pack("!BB16s8x24s", identifier, 0, peer, answer)


def nt_response(challenge: bytes, peer: bytes, username: str, password: str) -> bytes:
    """GenerateNTResponse of RFC 2759 section 8.1."""
    digest = hashlib.sha1(peer + challenge + username.encode(), usedforsecurity=False).digest()[:8]
    key = md4(password.encode("utf-16-le")).ljust(21, b"\0")
    return b"".join(_des(key[at : at + 7], digest) for at in (0, 7, 14))


def md4(data: bytes) -> bytes:
    """RFC 1320: OpenSSL 3 no longer offers it."""
    bits = len(data) * 8
    data += b"\x80" + bytes((55 - len(data)) % 64) + struct.pack("<Q", bits)
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    for at in range(0, len(data), 64):
        words = struct.unpack("<16I", data[at : at + 64])
        state = [(old + new) & WORD for old, new in zip(state, _rounds(state, words), strict=True)]
    return struct.pack("<4I", *state)


_ORDERS = (
    (range(16), (3, 7, 11, 19), 0),
    ((0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), (3, 5, 9, 13), 0x5A827999),
    ((0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15), 0x6ED9EBA1),
)


def _rounds(state: list[int], words: tuple[int, ...]) -> list[int]:
    a, b, c, d = state
    for number, (order, shifts, constant) in enumerate(_ORDERS):
        for step, index in enumerate(order):
            mixed = a + _mix(number, b, c, d) + words[index] + constant & WORD
            shift = shifts[step % 4]
            a, b, c, d = d, (mixed << shift | mixed >> (32 - shift)) & WORD, b, c
    return [a, b, c, d]


def _mix(number: int, b: int, c: int, d: int) -> int:
    if number == 0:
        return (b & c) | (~b & d)
    if number == 1:
        return (b & c) | (b & d) | (c & d)
    return b ^ c ^ d


def _des(key: bytes, block: bytes) -> bytes:
    """Single DES under a key of 56 bits: Triple DES with the same key three times."""
    bits = int.from_bytes(key)
    spread = bytes((bits >> shift & 0x7F) << 1 for shift in range(49, -1, -7))
    # ECB of one block is what RFC 2759 calls DesEncrypt.
    encryptor = Cipher(TripleDES(spread * 3), modes.ECB()).encryptor()  # noqa: S305
    return encryptor.update(block) + encryptor.finalize()
