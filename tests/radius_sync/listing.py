"""Reconciling with a NAS that lists its sessions, and what became of accounting and of the orders."""

from typing import Any

from sqlalchemy import text

from radius_sync import reconciling
from radius_sync.settings import Settings
from shared.database import Database
from shared.operations import SYSTEM

ON_NAS = "nas:nas 127.0.0.1"
OPEN = "SELECT acctsessionid, acctterminatecause FROM radacct WHERE acctstoptime IS NULL"
CLOSED = "SELECT acctsessionid, acctterminatecause FROM radacct WHERE acctstoptime IS NOT NULL"
ORDERS = "SELECT username, state, outcome, confirmed_by FROM disconnect_order ORDER BY username"


def run(database: Database, settings: Settings, *, heal: bool = True) -> dict[str, int]:
    report = reconciling.run(database, settings.secret_key, heal=heal, actor=SYSTEM, loopback=True)
    drift: dict[str, int] = report["drift"]
    return drift


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.transaction() as session:
        return [tuple(row) for row in session.execute(text(query))]


def later(database: Database, seconds: int = 3600) -> None:
    with database.transaction() as session:
        session.execute(
            text("UPDATE session_apart SET since = since - :n * interval '1 second'"),
            {"n": seconds},
        )
