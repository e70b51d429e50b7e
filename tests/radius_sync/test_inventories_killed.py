"""`kill -9` while a NAS's list is compared: all of a NAS is done or nothing, and the next run does it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from radius_sync import reconciling
from radius_sync.nas_simulator import Inventory, NasSimulator
from radius_sync.reconciling.inventories import LOST, STRAY
from radius_sync.settings import Settings
from shared.database import Database
from shared.operations import SYSTEM
from tests.radius_sync.accounting import start
from tests.radius_sync.calling import Caller
from tests.radius_sync.facts import customer, hear, package
from tests.radius_sync.listing import CLOSED, ON_NAS, OPEN, ORDERS, later, rows, run
from tests.support.databases import SECRETS
from tests.support.processes import start_role
from tests.support.waiting import until

WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND usename IS NOT NULL"
    " AND cardinality(pg_blocking_pids(pid)) > 0"
)
LOGGED = "SELECT count(*) FROM operation WHERE action = 'drift.repaired'"


def environment(settings: Settings) -> dict[str, str]:
    server = settings.database_url.set(drivername="postgresql", database="postgres")
    return {
        **SECRETS,
        "DATABASE_URL": server.render_as_string(hide_password=False),
        "RADIUS_SYNC_DATABASE": str(settings.database_url.database),
        "REDIS_URL": settings.redis_url,
        "TENURE_HOME": str(settings.home),
        "TENURE_DEMO": "1",
        "PYTHONPATH": ".",
    }


@contextmanager
def held(database: Database, table: str) -> Iterator[None]:
    """Nobody else writes to the table meanwhile."""
    with database.engine.connect() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text(f"LOCK TABLE {table} IN SHARE MODE"))
        yield
        connection.rollback()
        connection.execute(text(f"SET ROLE {database.role}"))
        connection.commit()


# In the order in which one comparison writes to them.
@pytest.mark.parametrize(
    "table", ["nas_device", "session_apart", "radacct", "disconnect_order", "drift", "operation"]
)
def test_a_comparison_killed_in_the_middle_is_done_once_by_the_next_f2(
    database: Database, settings: Settings, nas: NasSimulator, listed: Inventory, tmp_path: Path,
    table: str,
) -> None:  # fmt: skip
    alice = uuid4()
    hear(database, package(), customer("alice", alice), customer("bob", holds=["admin"]))
    start(database, "alice", "lost", ago=7200)
    nas.add_session("bob")
    assert run(database, settings) == {}
    later(database)
    with held(database, table):
        killed = start_role(
            "tests.radius_sync.reconcile_once", env=environment(settings), folder=tmp_path
        )
        try:
            ((backend,),) = until(lambda: rows(database, WAITING), message="it came to no lock")
        finally:
            killed.kill()
    until(lambda: not rows(database, f"SELECT FROM pg_stat_activity WHERE pid = {backend}"))
    assert rows(database, OPEN) == [("lost", None)]
    assert rows(database, ORDERS) == []
    assert rows(database, LOGGED) == [(0,)]
    assert run(database, settings) == {f"{ON_NAS}.{LOST}": 1, f"{ON_NAS}.{STRAY}": 1}
    assert rows(database, CLOSED) == [("lost", "Lost-Service")]
    assert rows(database, ORDERS) == [("bob", "due", None, None)]
    assert rows(database, LOGGED) == [(2,)]
    assert run(database, settings) == {}


def test_a_job_that_was_begun_again_shows_the_report_that_was_finished(
    database: Database, settings: Settings, admin: Caller
) -> None:
    job = uuid4()
    run_as: dict[str, Any] = {"heal": False, "actor": SYSTEM, "job_id": job}
    reconciling.run(database, settings.secret_key, **run_as)
    with database.transaction() as session:
        session.execute(text("UPDATE reconciliation SET finished_at = NULL"))
    told = reconciling.run(database, settings.secret_key, **run_as)
    shown = admin("GET", f"/v1/reconciliations/{job}").json
    assert shown["id"] == told["id"]
    assert shown["finished_at"] is not None
