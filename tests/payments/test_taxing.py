"""Tax on bills: a part of each item, owed to the state, exact to the last coin (E25, promise 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from payments import proving, tasks
from payments import settings as payments_settings
from payments.domain import Item
from payments.settings import PaymentsSettings
from payments.taxing import TaxRule, of_note, taxed
from shared.database import Database
from shared.settings import BadSetting
from tests.payments.charging_tax import charging
from tests.payments.stage import Stage

AMOUNTS = st.integers(1, 10**7).map(lambda minor: Decimal(minor).scaleb(-2))
RATES = st.sampled_from([Decimal(rate) for rate in ("0", "5", "7.5", "15", "19.6", "99")])


def proved(database: Database) -> None:
    assert proving.prove(database)["differences"] == 0


def owed_to_the_state(stage: Stage) -> Decimal:
    rows = stage.rows("SELECT -coalesce(sum(amount), 0) FROM ledger_entry WHERE account = 'tax'")
    return Decimal(rows[0][0])


@given(amount=AMOUNTS, rate=RATES, included=st.booleans(), currency=st.sampled_from(["BDT", "JPY"]))
def test_tax_is_in_whole_minor_units_and_a_part_of_the_amount(
    amount: Decimal, rate: Decimal, included: bool, currency: str
) -> None:
    amount = amount if currency == "BDT" else amount.to_integral_value() + 1
    item = taxed(Item(description="x", amount=amount), TaxRule(rate, included), currency)
    unit = Decimal("0.01") if currency == "BDT" else Decimal(1)
    assert item.tax % unit == 0 and item.amount % unit == 0
    assert item.amount == (amount if included else amount + item.tax)
    net = item.amount - item.tax
    assert abs(net * rate / 100 - item.tax) <= unit, "half a unit, and what that is of the net"


@given(total=AMOUNTS, rate=RATES, shares=st.lists(st.integers(1, 10), min_size=1, max_size=6))
def test_credit_notes_that_take_all_of_a_bill_take_all_of_its_tax(
    total: Decimal, rate: Decimal, shares: list[int]
) -> None:
    tax = taxed(Item(description="x", amount=total), TaxRule(rate), "BDT").tax
    left, notes = total, list[tuple[Decimal, Decimal]]()
    for share in shares:
        amount = min(
            left, max((total * share / sum(shares)).quantize(Decimal("0.01")), Decimal("0.01"))
        )
        if amount > 0:
            notes.append((amount, of_note(tax, total, notes, amount, "BDT")))
            left -= amount
    if left > 0:
        notes.append((left, of_note(tax, total, notes, left, "BDT")))
    assert all(0 <= part <= amount for amount, part in notes)
    assert sum(part for _, part in notes) == tax


def test_a_site_without_a_tax_bills_as_before(stage: Stage) -> None:
    bill = stage.bill(stage.customer(), "500.00")
    assert bill["tax"]["amount"] == bill["items"][0]["tax"]["amount"] == "0.00"
    assert owed_to_the_state(stage) == 0


def test_a_price_with_its_tax_stays_the_price_and_the_tax_is_no_revenue(
    app: Flask, stage: Stage, database: Database
) -> None:
    customer = stage.customer()
    with charging(app, TaxRule(Decimal(5))):
        stage.activate(customer, stage.package("500.00"))
        (bill,) = stage.get("/v1/bills").json["items"]  # type: ignore[index]
        page = stage.client.get(f"/v1/bills/{bill['id']}",
                                headers={**stage.bearer(), "Accept": "text/html"})  # fmt: skip
    assert (bill["total"]["amount"], bill["tax"]["amount"]) == ("500.00", "23.81")
    assert bill["items"][0]["tax_percent"] == "5"
    assert "of it VAT 5 %" in page.text and "23.81 BDT" in page.text
    assert owed_to_the_state(stage) == Decimal("23.81")
    revenue = stage.rows("SELECT -sum(amount) FROM ledger_entry WHERE account = 'revenue'")
    assert revenue == [(Decimal("476.1900"),)]
    assert stage.balance(customer)["billed"] == "500.00"
    stage.paid(customer, "500.00")
    assert stage.balance(customer)["outstanding"] == "0.00"
    proved(database)


def test_a_tax_on_top_is_added_and_an_item_may_have_a_rate_of_its_own(
    app: Flask, stage: Stage, database: Database
) -> None:
    customer = stage.customer()
    money = {"amount": "100.00", "currency": "BDT"}
    items: list[dict[str, Any]] = [
        {"description": "Line", "amount": money},
        {"description": "Router", "amount": money, "tax_percent": "7.5"},
        {"description": "Deposit", "amount": money, "tax_percent": "0"},
    ]
    with charging(app, TaxRule(Decimal(15), included=False)):
        made: Any = stage.post("/v1/bills", {"customer_id": str(customer), "items": items})
    assert made.status_code == 201, made.json
    assert [item["amount"]["amount"] for item in made.json["items"]] == [
        "115.00",
        "107.50",
        "100.00",
    ]
    assert (made.json["total"]["amount"], made.json["tax"]["amount"]) == ("322.50", "22.50")
    for wrong in ("100", "-1", "5.00001", "five", 5, None):
        bad: Any = stage.post("/v1/bills", {
            "customer_id": str(customer), "items": [{**items[0], "tax_percent": wrong}],
        })  # fmt: skip
        assert bad.status_code == 422, wrong
        assert bad.json["errors"][0]["pointer"] == "/items/0/tax_percent"
    proved(database)


def test_void_bills_and_credit_notes_take_their_tax_back(
    app: Flask, stage: Stage, database: Database
) -> None:
    customer = stage.customer()
    with charging(app, TaxRule(Decimal(15))):
        first, second = stage.bill(customer, "115.00"), stage.bill(customer, "230.00")
    assert owed_to_the_state(stage) == Decimal("45.00")
    stage.post(f"/v1/bills/{first['id']}/void", {"reason": "billed twice"})
    assert owed_to_the_state(stage) == Decimal("30.00")

    part = {"reason": "outage", "amount": {"amount": "23.00", "currency": "BDT"}}
    note: Any = stage.post(f"/v1/bills/{second['id']}/credit-note", part)
    assert (note.status_code, note.json["tax"]["amount"]) == (201, "3.00")
    rest: Any = stage.post(f"/v1/bills/{second['id']}/credit-note", {"reason": "goodwill"})
    assert rest.json["tax"]["amount"] == "27.00"
    assert owed_to_the_state(stage) == 0
    stage.post(f"/v1/credits/{note.json['id']}/reverse", {"reason": "a slip"})
    assert owed_to_the_state(stage) == Decimal("3.00")
    proved(database)
    stage.post(f"/v1/bills/{second['id']}/void", {"reason": "never was"})
    assert owed_to_the_state(stage) == 0
    proved(database)


def test_a_proforma_tells_the_tax_that_its_bill_will_have(
    app: Flask, stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    customer, rule = stage.customer(), TaxRule(Decimal(15), included=False)
    stage.activate(customer, stage.package("100.00"), until=datetime.now(UTC) + timedelta(days=3))
    tasks.announce(database, replace(settings, tax=rule))
    with charging(app, rule):
        (one,) = stage.get("/v1/proforma-bills").json["items"]  # type: ignore[index]
        bill: Any = stage.post(f"/v1/proforma-bills/{one['id']}/issue", {}).json
    assert (one["total"], one["tax"]) == (bill["total"], bill["tax"])
    assert (bill["total"]["amount"], bill["tax"]["amount"]) == ("115.00", "15.00")
    proved(database)


def test_a_rate_that_is_none_is_refused_at_start(
    settings: PaymentsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAX_PERCENT", "100")
    with pytest.raises(BadSetting, match="TAX_PERCENT"):
        payments_settings.read()
    for name, value in {"TAX_PERCENT": "7.5", "TAX_INCLUDED": "false", "TAX_NAME": "GST"}.items():
        monkeypatch.setenv(name, value)
    assert payments_settings.read().tax == TaxRule(Decimal("7.5"), False, "GST")
