"""Guessing PINs is stopped: attempts are counted before they are made, per customer, operator and address.

Counted first, in a transaction of its own, so that a hundred guesses at once are a hundred and not one.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager

from payments.cards.redeeming import NotRedeemable
from payments.persistence import card_guard
from shared.database import Database
from shared.logs import logger

log = logger("cards")
# A customer types the card in the hand: five slips are many. Behind one address or one operator's
# portal stand many customers, of whom a few in a hundred mistype.
MOST = {"customer": 5, "address": 50, "operator": 200}


class Locked(Exception):
    """Too many failures; `seconds` until the next attempt counts."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def who(key: bytes, username: str, operator: str, address: str) -> dict[str, bytes]:
    """Keyed digests of those who are counted: the guard's rows name nobody."""
    secret = hmac.digest(key, b"recharge card guard", "sha256")
    named = {"customer": username.strip().lower(), "operator": operator, "address": address}
    return {kind: hmac.digest(secret, name.encode(), "sha256") for kind, name in named.items()}


@contextmanager
def attempt(database: Database, counted: dict[str, bytes]) -> Iterator[None]:
    """An attempt that stays counted when it ends in NotRedeemable. Raises Locked instead of trying."""
    with database.transaction() as session:
        seconds = card_guard.count(session, counted, MOST)
    if seconds:
        log.warning("cards.locked", seconds=seconds)
        raise Locked(seconds)
    try:
        yield
    except NotRedeemable:
        raise
    except BaseException:
        _forgive(database, counted, redeemed=False)
        raise
    _forgive(database, counted, redeemed=True)


def _forgive(database: Database, counted: dict[str, bytes], *, redeemed: bool) -> None:
    with database.transaction() as session:
        card_guard.forgive(session, counted, redeemed=redeemed)
