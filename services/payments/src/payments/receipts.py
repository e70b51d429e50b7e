"""Receipts: a number, a code that proves it genuine, and a page to print."""

from __future__ import annotations

import base64
import hmac
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import render_template_string
from sqlalchemy import text
from sqlalchemy.orm import Session

# Fifty bits, bound to the site's key: nobody guesses one, and it can be read out on the phone.
CODE_LETTERS = 10
_PAGE = Path(__file__).with_name("receipt.html").read_text()


def code(payment_id: UUID, key: bytes) -> str:
    """The verification code of a payment's receipt."""
    digest = hmac.digest(hmac.digest(key, b"receipt", "sha256"), payment_id.bytes, "sha256")
    return base64.b32encode(digest).decode()[:CODE_LETTERS]


def page(receipt: dict[str, Any]) -> str:
    """HTML to print; every value is escaped."""
    return render_template_string(_PAGE, r=receipt)


def verify(session: Session, number: str, given: str, key: bytes) -> Any:
    """The payment behind a genuine number and code, else None."""
    row = session.execute(
        text(
            "SELECT id, amount, currency, paid_at, status FROM payment WHERE receipt_number = :number"
        ),
        {"number": number},
    ).one_or_none()
    # Compared even when there is none, so that the time tells nothing.
    expected = code(row.id if row is not None else UUID(int=0), key)
    same = hmac.compare_digest(expected.encode(), given.strip().upper().encode())
    return row if same and row is not None else None
