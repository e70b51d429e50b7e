"""Every role starts as a process of its own, and the clock's work is idempotent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests

from local_site.ports import free_port
from payments import tasks
from payments.settings import PaymentsSettings
from shared.database import Database
from tests.payments.stage import Stage
from tests.support import databases
from tests.support.processes import start_role
from tests.support.waiting import until


def environment(settings: PaymentsSettings, port: int) -> dict[str, str]:
    url = settings.database_url.set(drivername="postgresql")
    return {
        **databases.SECRETS,
        "DATABASE_URL": url.render_as_string(hide_password=False),
        "PAYMENTS_DATABASE": str(settings.database_url.database),
        "REDIS_URL": settings.redis_url,
        "PAYMENTS_PORT": str(port),
        "TENURE_HOME": str(settings.home),
    }


def test_migrate_web_worker_relay_and_beat_start(
    settings: PaymentsSettings, stage: Stage, tmp_path: Path
) -> None:
    port = free_port()
    env = environment(settings, port)
    roles = [
        start_role("payments", name, env=env, folder=tmp_path)
        for name in ("migrate", "web", "worker", "relay", "beat")
    ]
    try:
        stage.paid(stage.customer())
        until(lambda: _ready(port), 90, "the web role does not answer")
        until(lambda: stage.rows("SELECT 1 FROM worker_heartbeat"), 90, "the worker does not beat")
        until(
            lambda: not stage.rows("SELECT 1 FROM outbox_unsent"),
            90,
            "the relay hands nothing over",
        )
        until(lambda: not roles[0].running, 90, "migrate does not end")
        assert [role.running for role in roles[1:]] == [True] * 4, [role.output for role in roles]
    finally:
        for role in roles:
            role.stop()


def _ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=90).status_code == 200
    except requests.RequestException:
        return False


def test_the_proof_is_made_once_a_day_however_often_it_is_rung_for(
    stage: Stage, database: Database
) -> None:
    stage.paid(stage.customer())

    made = [tasks.prove_ledger(database) for _ in range(4)]

    days = stage.rows("SELECT slot FROM tick WHERE name = 'prove_ledger'")
    assert made[0] and sum(made) == len(days) <= 2, "twice only where midnight lies between"

    report: Any = stage.get("/v1/reports/ledger-proof").json
    assert (report["accounts"], report["differences"], report["findings"]) == (1, 0, [])
