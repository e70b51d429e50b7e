"""Money received is recorded once and changes the balance (E1, E28-E33)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from tests.payments.stage import NORTH, SOUTH, Stage
from tests.support.noon import NOON


def test_a_manual_payment_is_in_the_log_at_once_with_the_columns_of_e5_to_e12(stage: Stage) -> None:
    stage.operator("1/", "admin")
    customer = stage.customer("Karim Ahmed")

    answer = stage.pay(
        customer, "500.00", note="paid at the shop", transaction_reference="book 7/12"
    )

    assert answer.status_code == 201, answer.json
    (row,) = stage.get("/v1/payments").json["items"]  # type: ignore[index]
    assert row == answer.json
    assert row["customer_name"] == "Karim Ahmed"  # E5
    assert row["username"] == "karim.ahmed"  # E6
    assert row["amount"] == {"amount": "500.00", "currency": "BDT"}  # E7
    assert row["method"] == "cash"  # E8
    assert row["recorded_at"]  # E9
    assert row["operator_name"] == "Admin"  # E10
    assert row["transaction_reference"] == "book 7/12"  # E11
    assert row["note"] == "paid at the shop"  # E12


def test_outstanding_is_bills_minus_payments_e27(stage: Stage) -> None:
    customer = stage.customer()
    stage.bill(customer, "500.00")
    stage.bill(customer, "250.50")
    stage.paid(customer, "600.25")

    balance = stage.balance(customer)

    assert balance["billed"] == "750.50"
    assert balance["paid"] == "600.25"
    assert balance["outstanding"] == "150.25"
    assert balance["available_funds"] == "0.00"


def test_a_payment_pays_the_oldest_bill_first_and_the_rest_is_funds(stage: Stage) -> None:
    customer = stage.customer()
    second = stage.bill(customer, "300.00", due_at="2026-12-20T00:00:00Z")
    first = stage.bill(customer, "200.00", due_at="2026-12-10T00:00:00Z")

    part = stage.paid(customer, "250.00")
    rest = stage.paid(customer, "400.00")

    assert [(a["bill_id"], a["amount"]["amount"]) for a in part["allocations"]] == [
        (first["id"], "200.00"),
        (second["id"], "50.00"),
    ]
    assert [(a["bill_id"], a["amount"]["amount"]) for a in rest["allocations"]] == [
        (second["id"], "250.00")
    ]
    assert stage.balance(customer)["available_funds"] == "150.00"
    assert stage.balance(customer)["outstanding"] == "-150.00"
    third = stage.bill(customer, "100.00")
    assert (third["status"], third["paid"]["amount"]) == ("paid", "100.00")


def test_events_of_a_payment_have_a_sequence_each_and_the_account_comes_last(stage: Stage) -> None:
    customer = stage.customer()
    stage.bill(customer, "500.00")
    before = stage.events(customer)[-1].sequence

    stage.paid(customer, "500.00")

    told = stage.events(customer, before)
    assert [row.type for row in told] == ["payment.recorded", "bill.paid", "account.changed"]
    assert [row.sequence for row in told] == [before + 1, before + 2, before + 3]
    # Of the day, which may have begun since: tests of their own.
    assert {"expenses", "expenses_until"} < told[-1].data.keys()
    assert {k: v for k, v in told[-1].data.items() if not k.startswith("expenses")} == {
        "currency": "BDT", "billed": "500.00", "paid": "500.00", "outstanding": "0.00",
        "overdue": False, "overdue_amount": "0.00", "available_funds": "0.00",
        "payment_frozen": False, "paid_periods": [],
    }  # fmt: skip
    assert told[0].data["amount"] == "500.00"


NO_AMOUNTS = [
    ("0", "BDT"), ("0.00", "BDT"), ("-5.00", "BDT"), ("-0.00", "BDT"), ("1,000", "BDT"),
    ("1e-9", "BDT"), ("1E3", "BDT"), ("5.001", "BDT"), ("1000000000000.01", "BDT"),
    ("1" + "0" * 15, "BDT"), ("NaN", "BDT"), ("Infinity", "BDT"), ("", "BDT"), ("٥٠٠", "BDT"),
    ("500", "USD"), ("500", "XYZ"), ("500", "bdt"), (" 500", "BDT"), ("+500", "BDT"),
    (500, "BDT"), (500.5, "BDT"), (True, "BDT"), (None, "BDT"), (["1"], "BDT"),
]  # fmt: skip


def test_what_is_no_exact_amount_is_refused_b10(stage: Stage) -> None:
    customer = stage.customer()

    for amount, currency in NO_AMOUNTS:
        answer: Any = stage.pay(customer, amount, currency=currency)  # type: ignore[arg-type]

        assert answer.status_code == 422, (amount, currency)
        assert answer.json["errors"][0]["pointer"].startswith("/amount"), (amount, currency)

    assert stage.rows("SELECT 1 FROM payment") == []


def test_decimals_are_those_of_the_currency(stage: Stage) -> None:
    yen = stage.customer("Yuki", currency="JPY")
    dinar = stage.customer("Fahad", currency="KWD")

    assert stage.pay(yen, "500", currency="JPY").json["amount"]["amount"] == "500"  # type: ignore[index]
    assert stage.pay(yen, "500.5", currency="JPY").status_code == 422
    assert stage.pay(dinar, "1.005", currency="KWD").json["amount"]["amount"] == "1.005"  # type: ignore[index]


def test_a_payment_of_no_possible_time_is_refused_b11(stage: Stage) -> None:
    customer = stage.customer()

    for paid_at in ("2026-11-21T10:00:00", "2200-01-01T00:00:00Z", "0000-01-01T00:00:00Z",
                    "9999-12-31T00:00:00Z", "1999-01-01T00:00:00Z", "yesterday", 5):  # fmt: skip
        answer: Any = stage.pay(customer, paid_at=paid_at)

        assert answer.status_code == 422, paid_at
        assert answer.json["errors"][0]["pointer"] == "/paid_at", paid_at


def test_unknown_and_bad_fields_are_refused_b2_b3(stage: Stage) -> None:
    customer = stage.customer()
    bad: list[dict[str, Any]] = [
        {"status": "voided"}, {"gateway": "bkash"}, {"recorded_at": "2026-01-01T00:00:00Z"},
        {"id": "x"}, {"operator_path": "1/"}, {"note": "\x00"}, {"note": "a" * 1001},
        {"method": "gold"}, {"transaction_reference": "a\nb"}, {"override_duplicate": {}},
    ]  # fmt: skip

    assert [stage.pay(customer, **extra).status_code for extra in bad] == [422] * len(bad)


def test_money_of_a_deleted_customer_is_taken(stage: Stage) -> None:
    customer = stage.customer()
    stage.bill(customer, "500.00")
    stage.update(customer, standing="deleted")

    answer = stage.pay(customer, "500.00")

    assert answer.status_code == 201
    assert stage.balance(customer)["outstanding"] == "0.00"


def test_an_unknown_customer_and_one_of_another_branch_look_the_same_b4(stage: Stage) -> None:
    foreign = stage.customer(path=SOUTH)

    unknown = stage.pay(uuid7(), path=NORTH, role="reseller")
    hidden = stage.pay(foreign, path=NORTH, role="reseller")

    assert unknown.status_code == hidden.status_code == 404
    assert unknown.get_json()["errors"][0]["pointer"] == "/customer_id"
    assert unknown.json["detail"] == hidden.json["detail"]  # type: ignore[index]


def test_a_reseller_records_and_sees_the_own_branch_only(stage: Stage) -> None:
    own, foreign = stage.customer("Karim", path=NORTH), stage.customer("Rahim", path=SOUTH)
    stage.bill(own, "400.00")
    theirs = stage.paid(foreign, "500.00")

    mine = stage.paid(own, "500.00", path=NORTH, role="reseller")

    def listed(path: str) -> list[str]:
        answer = stage.get("/v1/payments", path, "reseller")
        return [row["id"] for row in answer.json["items"]]  # type: ignore[index]

    assert listed(NORTH) == [mine["id"]]
    assert listed(SOUTH) == [theirs["id"]]
    for url in (
        f"/v1/payments/{theirs['id']}", f"/v1/payments/{theirs['id']}/receipt",
        f"/v1/customers/{foreign}/balance", f"/v1/customers/{foreign}/statement",
    ):  # fmt: skip
        assert stage.get(url, NORTH, "reseller").status_code == 404, url
    statement = stage.get(f"/v1/customers/{own}/statement", NORTH, "reseller").json["items"]  # type: ignore[index]
    assert [line["balance"]["amount"] for line in statement] == ["-100.00", "400.00"]


def test_receipts_are_numbered_without_gaps_per_operator_and_year(stage: Stage) -> None:
    customer = stage.customer()
    year = datetime.now(NOON).year

    numbers = [stage.paid(customer, f"{n}.00")["receipt_number"] for n in (1, 2)]
    stage.pay(customer, "9.00", paid_at="2190-01-01T00:00:00Z")
    numbers.append(stage.paid(customer, "3.00")["receipt_number"])

    assert numbers == [f"R-ADMIN-{year}-{n:06d}" for n in (1, 2, 3)]


def test_a_receipt_can_be_printed_and_proved_genuine(stage: Stage) -> None:
    customer = stage.customer("<b>Karim</b>")
    payment = stage.paid(customer, "500.00")
    url = f"/v1/payments/{payment['id']}/receipt"

    receipt: Any = stage.get(url).json
    headers = {**stage.bearer(), "Accept": "text/html"}
    page = stage.client.get(url, headers=headers)
    query = {"number": receipt["number"], "code": receipt["verification_code"]}
    genuine: Any = stage.client.get("/v1/receipts/verify", query_string=query).json
    forged = stage.client.get("/v1/receipts/verify", query_string={**query, "code": "AAAAAAAAAA"})

    assert "&lt;b&gt;Karim&lt;/b&gt;" in page.text
    assert receipt["verification_code"] in page.text
    assert genuine["genuine"] is True
    assert genuine["amount"] == {"amount": "500.00", "currency": "BDT"}
    assert "name" not in str(genuine)
    assert forged.json == {"genuine": False}


def test_three_times_are_kept_apart(stage: Stage) -> None:
    paid_at = (datetime.now(UTC) - timedelta(days=3)).replace(microsecond=0)

    payment = stage.paid(stage.customer(), paid_at=paid_at.isoformat())

    assert datetime.fromisoformat(payment["paid_at"]) == paid_at
    assert datetime.fromisoformat(payment["recorded_at"]) > paid_at + timedelta(days=2)
    assert payment["settled_at"] is None


def test_every_payment_names_its_actor_in_the_log(stage: Stage) -> None:
    customer = stage.customer()
    stage.paid(customer)

    (row,) = stage.rows(
        "SELECT o.actor, o.actor_id, o.subject FROM operation o WHERE action = 'payment.recorded'"
    )

    assert (row.actor, row.subject) == ("admin", customer)
    assert row.actor_id == UUID(int=1)
