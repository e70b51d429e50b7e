"""Decimal digits of every script, as people type them, read as 0 to 9 (A21)."""

from __future__ import annotations

import unicodedata


def western(text: str) -> str:
    """০১৭১১, ۰۱۷۱۱, ०१७११ and ０１７１１ are 01711; every other letter stays as it is."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in text
    )
