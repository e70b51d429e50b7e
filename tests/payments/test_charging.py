"""What a period of a package is billed at is told to customers, each time it is news (E25)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from flask import Flask

from payments import charging
from payments.settings import PaymentsSettings
from payments.taxing import TaxRule
from shared.database import Database
from tests.payments.charging_tax import charging as taxing_at
from tests.payments.stage import Stage

ON_TOP = TaxRule(Decimal(15), included=False)


def _told(stage: Stage) -> list[Any]:
    return stage.rows(
        "SELECT subject, sequence, data FROM outbox WHERE type = 'package.charged' ORDER BY position"
    )


def test_a_tax_on_top_is_told_with_the_package_as_its_bill_will_have_it(
    app: Flask, stage: Stage
) -> None:
    with taxing_at(app, ON_TOP):
        package = stage.package("99.99")
        customer = stage.customer()
        stage.activate(customer, package)
    ((subject, sequence, data),) = _told(stage)
    assert (subject, sequence) == (package, 1)
    assert data == {"price": "99.99", "total": "114.99", "currency": "BDT"}
    (bill,) = stage.get("/v1/bills").json["items"]  # type: ignore[index]
    assert bill["total"]["amount"] == data["total"]


def test_nothing_is_told_where_the_price_is_what_is_billed(app: Flask, stage: Stage) -> None:
    stage.package("100.00")
    with taxing_at(app, TaxRule(Decimal(15))):
        stage.package("200.00")
    assert _told(stage) == []


def test_another_tax_is_told_of_every_package_at_the_next_start_and_once(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    package = stage.package("100.00")

    def start(rule: TaxRule) -> int:
        with database.transaction() as session:
            return charging.tell(session, replace(settings, tax=rule))

    assert [start(rule) for rule in (ON_TOP, ON_TOP, TaxRule(), TaxRule())] == [1, 0, 1, 0]
    told = [(row.subject, row.sequence, row.data["total"]) for row in _told(stage)]
    assert told == [(package, 1, "115.00"), (package, 2, "100.00")]
