"""PINs: twelve random characters that people can read out and type, kept only as keyed digests."""

from __future__ import annotations

import hmac
import os

# Crockford's base 32: no I, L, O, U, so nothing is read as something else. 12 characters are 60 bits.
ALPHABET = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12
_DRAWN = bytes(ALPHABET[byte % 32] for byte in range(256))
_TYPED = str.maketrans("OIL", "011", " -")


def draw(count: int) -> list[str]:
    """So many PINs from the system's random source; 256 is a multiple of 32, so all are as likely."""
    letters = os.urandom(count * LENGTH).translate(_DRAWN).decode()
    return [letters[at : at + LENGTH] for at in range(0, count * LENGTH, LENGTH)]


def normal(typed: str) -> str:
    """A PIN as it was made, from what somebody typed: any case, with spaces and dashes, O for 0."""
    return typed.upper().translate(_TYPED)


def shown(pin: str) -> str:
    """`ABCD-EFGH-JKMN`."""
    return "-".join(pin[at : at + 4] for at in range(0, LENGTH, 4))


def pin_key(key: bytes) -> bytes:
    return hmac.digest(key, b"recharge card pin", "sha256")


def digest(pin: str, key: bytes) -> bytes:
    """What is stored of a PIN; `key` is `pin_key` of the site's key."""
    return hmac.digest(key, pin.encode(), "sha256")
