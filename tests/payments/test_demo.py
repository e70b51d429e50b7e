"""The demo data are real bookings: exact, idempotent, of every kind."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from payments import demo, proving
from payments.settings import PaymentsSettings
from shared.database import Database
from tests.payments.stage import Stage


def test_the_demo_fills_the_books_once_and_they_are_exact(
    stage: Stage, database: Database, settings: PaymentsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "PAYMENTS", 240)
    monkeypatch.setattr(demo, "_walk", lambda *_: 0)
    package = stage.package("500.00")
    for n in range(60):
        stage.activate(stage.customer(f"Customer {n}", package_id=package), package)

    demo.load(settings)
    demo.load(settings)

    (count,) = stage.rows("SELECT count(*) AS n, count(DISTINCT method) AS methods FROM payment")
    assert 200 <= count.n <= 320
    assert count.methods >= 6
    assert stage.rows("SELECT count(*) > 0 FROM payment WHERE status = 'voided'") == [(True,)]
    assert stage.rows("SELECT count(*) > 0 FROM payment WHERE status = 'refunded'") == [(True,)]
    (settled,) = stage.rows(
        "SELECT count(*) AS n, count(*) FILTER (WHERE settled_at > now()) AS ahead FROM payment"
        " WHERE settled_at IS NOT NULL"
    )
    assert settled.n > 0
    assert settled.ahead == 0
    assert stage.rows("SELECT count(*) > 0 FROM account WHERE overdue") == [(True,)]
    assert stage.rows("SELECT count(*) > 0 FROM account WHERE NOT overdue") == [(True,)]
    assert proving.prove(database)["differences"] == 0
    shown: Any = stage.get("/v1/payments", method="bkash", limit=1).json
    assert shown["items"][0]["operator_name"] == "bKash", "E10: the gateway that processed it"


def test_the_demo_is_refused_where_it_is_off(settings: PaymentsSettings) -> None:
    with pytest.raises(SystemExit, match="TENURE_DEMO=1"):
        demo.load(dataclasses.replace(settings, demo=False))
