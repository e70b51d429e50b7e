"""The rules that a site sets for itself (`/v1/settings`): a row each, the defaults here."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.domain import NotValid
from shared import operations
from shared.operations import SYSTEM, SYSTEM_PATH, Actor

Blocker = Literal["open_accounts", "open_balance", "legal_hold"]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Field by field the settings of a site."""

    # B15, B16: what customers sign in to the portal with; restore tests it against everybody alive.
    portal_authentication_field: Literal["login", "email"] = "login"
    # 1.6.7: which blockers refuse a deletion. An open balance stays with the deleted customer.
    deletion_blockers: tuple[Blocker, ...] = ("open_accounts", "legal_hold")
    # 1.6.3: for how long a deleted login stays reserved; 0 frees it at once.
    reserved_login_days: int = 0
    # 1.6.11: the longest promise to pay, in days from now.
    lift_suspension_days: int = 7
    # And how many of them in 90 days that no payment ended: as payments has it for its promises.
    lift_suspensions_a_quarter: int = 3
    # For phone numbers typed without a country (ISO 3166).
    default_region: str = "BD"
    # For midnight (C31): TENURE_TIME_ZONE of the whole site, as `migrate` found it.
    time_zone: str = "Asia/Dhaka"
    default_currency: str = "BDT"
    # Erasure: how long it may be taken back, and whether a second person must approve.
    cooling_hours: int = 0
    erasure_approval: bool = False
    # The kill switch of the nightly purge, and how many of each data class it takes in one run: a
    # mistaken policy is seen in the morning, before it took everything.
    purge_paused: bool = False
    purge_limit: int = 10_000


NAMES = tuple(field.name for field in dataclasses.fields(Policy))


def read(session: Session) -> Policy:
    rows = session.execute(
        text("SELECT key, value FROM setting WHERE key = ANY(:names)"), {"names": list(NAMES)}
    )
    kept: dict[str, Any] = {
        row.key: tuple(row.value) if isinstance(row.value, list) else row.value for row in rows
    }
    return Policy(**kept)


def version(session: Session) -> int:
    """Grows with every change: the ETag of the settings."""
    return int(session.scalar(text("SELECT coalesce(sum(version), 0) FROM setting")) or 0)


def lock(session: Session) -> None:
    """One change at a time, so that a stale ETag is seen."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('settings'))"))


def refuse_another_zone(session: Session, changes: dict[str, Any]) -> None:
    """Raises NotValid: one service must not begin its days at another midnight than the others."""
    zone = read(session).time_zone
    if changes.get("time_zone", zone) != zone:
        raise NotValid(
            "time_zone",
            f"it is {zone} for the whole site: set TENURE_TIME_ZONE alike for every role, run migrate,"
            " and start them anew",
            "environment",
        )


def keep_zone(session: Session, zone: str) -> None:
    """Take over the time zone of the environment."""
    lock(session)
    if read(session).time_zone != zone:
        change(session, SYSTEM, {"time_zone": zone})


def change(session: Session, actor: Actor, changes: dict[str, Any]) -> Policy:
    before = read(session)
    for key, value in changes.items():
        session.execute(
            text(
                "INSERT INTO setting (key, value) VALUES (:key, CAST(:value AS jsonb))"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value,"
                " version = setting.version + 1, updated_at = now()"
            ),
            {"key": key, "value": orjson.dumps(value).decode()},
        )
    after = read(session)
    operations.record(
        session, actor, "settings.changed", "settings", None, operator_path=SYSTEM_PATH,
        before={key: getattr(before, key) for key in changes},
        after={key: getattr(after, key) for key in changes}, personal=False,
    )  # fmt: skip
    return after
