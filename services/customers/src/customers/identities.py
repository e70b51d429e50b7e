"""Logins, passwords, phones and names, in the one form in which they are kept (reliability 3.6, B7-B9)."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

from shared.digits import western

USERNAME = re.compile(r"[a-z0-9._@-]{1,64}")
EMAIL = re.compile(r"[^\s@\"'`<>(),;:\\]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z]{2,63}", re.IGNORECASE)
# FreeRADIUS executes or strips a value that is wrapped in one of these.
QUOTES = "`'\""
PASSWORD_OCTETS = 128


def username(value: str) -> str:
    """Folded once: FreeRADIUS compares letter by letter. Raises ValueError."""
    folded = unicodedata.normalize("NFKC", value).lower().strip()
    if not USERNAME.fullmatch(folded):
        raise ValueError("must be 1 to 64 of a-z, 0-9, dot, underscore, @ and hyphen")
    return folded


def password(value: str) -> str:
    """As typed. Raises ValueError for what RADIUS cannot carry (RFC 2865 5.2) or would execute."""
    octets = len(value.encode())
    if not 1 <= octets <= PASSWORD_OCTETS:
        raise ValueError(f"must be 1 to {PASSWORD_OCTETS} octets long")
    if len(value) > 1 and value[0] == value[-1] and value[0] in QUOTES:
        raise ValueError("must not begin and end with the same quote character")
    if value in QUOTES:
        raise ValueError("must not be a quote character alone")
    if _controls(value):
        raise ValueError("must not contain control characters")
    return value


def phone(value: str, region: str) -> str:
    """E.164. A number without a country code is one of `region`. Raises ValueError."""
    try:
        parsed = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException as error:
        raise ValueError(f"is not a phone number: {str(error).rstrip('.')}") from error
    if not phonenumbers.is_possible_number(parsed):
        raise ValueError("has too many or too few digits for its country")
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def searched_phone(value: str) -> str | None:
    """The digits to look for when `value` can be (part of) a phone number in any format (A21)."""
    value = western(value)
    if not re.fullmatch(r"[+\d()\s./-]{3,40}", value):
        return None
    # E.164 has neither the international prefix 00 nor the national 0, also written +880 (0)1711.
    digits = re.sub(r"\D", "", value.replace("(0)", "")).lstrip("0")
    return digits if len(digits) >= 3 else None


def readings(q: str) -> tuple[str, ...]:
    """What a searched text may mean (A19-A21, B2-B5): itself, for names are kept as they are written;
    the same in the digits of logins and numbers; a phone as it is stored.
    """
    found = dict.fromkeys((q, western(q), searched_phone(q) or q))
    # Who contains the longer one contains the shorter one too.
    return tuple(one for one in found if not any(o in one for o in found if o != one))


def email(value: str) -> str:
    """Raises ValueError."""
    if len(value) > 254 or not EMAIL.fullmatch(value):
        raise ValueError("is not an e-mail address")
    return value


def plain(value: str) -> str:
    """Text of one or more lines without NUL or other control characters. Raises ValueError."""
    normal = unicodedata.normalize("NFC", value).strip()
    if _controls(normal.replace("\n", "").replace("\t", "")):
        raise ValueError("must not contain control characters")
    return normal


def _controls(value: str) -> bool:
    # Cc: controls, NUL among them; Cs: a lone surrogate, which no database can store.
    return any(unicodedata.category(letter) in ("Cc", "Cs") for letter in value)
