"""Operators' passwords: argon2id, at the OWASP minimum (19 MiB, 2 rounds), rehashed when that rises."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Verified when the name is unknown, so that the time of the answer tells nothing.
NOBODY = HASHER.hash("nobody has this password")


def hashed(password: str) -> str:
    return HASHER.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Takes equally long whether there is a stored hash or not."""
    try:
        return HASHER.verify(stored or NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    return HASHER.check_needs_rehash(stored)
