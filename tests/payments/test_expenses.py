"""What payments tells of the expenses of the ISP's day, which the spending limit is held against (C30)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from tests.payments.stage import Stage
from tests.payments.test_crediting import adjust, note
from tests.support.noon import NOON


def told(stage: Stage, customer: UUID) -> tuple[str, datetime]:
    """The sum of the last word, and when its day ends."""
    (*_, last) = (row for row in stage.events(customer) if row.type.startswith("account."))
    return last.data["expenses"], datetime.fromisoformat(last.data["expenses_until"])


def spent(stage: Stage, customer: UUID) -> str:
    return told(stage, customer)[0]


def yesterday(stage: Stage, bill: Any) -> None:
    with stage.database.transaction() as session:
        session.execute(
            text("UPDATE bill SET issued_at = issued_at - interval '1 day' WHERE id = :id"),
            {"id": bill["id"]},
        )


def test_what_is_charged_by_hand_is_an_expense_of_the_day_c30(stage: Stage) -> None:
    customer, other = stage.customer(), stage.customer("Other One")
    stage.bill(customer, "30.00")
    stage.bill(other, "99.00")
    assert adjust(stage, customer, "12.50", "debit").status_code == 201
    assert spent(stage, customer) == stage.balance(customer)["expenses_today"] == "42.50"


def test_money_that_comes_in_is_none_and_lowers_none_c30(stage: Stage) -> None:
    customer = stage.customer()
    stage.paid(customer, "500.00")
    assert spent(stage, customer) == "0.00"
    stage.bill(customer, "30.00")
    stage.paid(customer, "30.00")
    assert adjust(stage, customer, "20.00").status_code == 201
    assert spent(stage, customer) == "30.00"


def test_a_period_of_a_package_is_no_expense_of_the_day_c30(stage: Stage) -> None:
    """The renewal on the first of the month walls nobody: funds and credit guard it."""
    customer = stage.customer()
    stage.activate(customer, stage.package("500.00"))
    assert stage.balance(customer)["outstanding"] == "500.00"
    assert spent(stage, customer) == "0.00"


def test_what_is_void_or_credited_counts_back_c30(stage: Stage) -> None:
    customer = stage.customer()
    first, second = stage.bill(customer, "30.00"), stage.bill(customer, "20.00")
    given = note(stage, second["id"], "5.00")
    assert given.status_code == 201 and spent(stage, customer) == "45.00"
    stage.post(f"/v1/credits/{given.json['id']}/reverse", {"reason": "it was right"})
    assert spent(stage, customer) == "50.00"
    assert stage.post(f"/v1/bills/{first['id']}/void", {"reason": "slip"}).status_code == 200
    assert spent(stage, customer) == "20.00"


def test_the_day_is_the_isps_and_yesterday_is_over_c31(stage: Stage) -> None:
    customer = stage.customer()
    old = stage.bill(customer, "30.00")
    yesterday(stage, old)
    # Nobody tells of midnight; who asks is told.
    assert stage.balance(customer)["expenses_today"] == "0.00"
    stage.bill(customer, "10.00")
    sum, until = told(stage, customer)
    assert sum == "10.00"
    local = until.astimezone(NOON)
    assert (local.hour, local.minute, local.second) == (0, 0, 0)
    assert timedelta(0) < until - datetime.now(UTC) <= timedelta(days=1)
    # A charge of yesterday, taken back today, makes no room today.
    assert stage.post(f"/v1/bills/{old['id']}/void", {"reason": "slip"}).status_code == 200
    assert spent(stage, customer) == "10.00"
