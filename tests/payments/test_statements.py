"""Statements: added once, matched three ways; what does not agree is shown by age."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from payments import tasks
from payments.jobs import kinds
from payments.settings import current
from shared.jobs import run_due
from tests.payments.stage import NORTH, SOUTH, Stage
from tests.payments.statements import code, lines, send, table, take, verdicts


def test_a_line_with_the_reference_and_amount_of_a_payment_settles_it(stage: Stage) -> None:
    customer = stage.customer()
    paid = stage.paid(customer, "500.00", method="bank_transfer", transaction_reference="BANK-1")

    done = take(stage, table("2026-11-20,500.00,BDT,bank-1,rent,2.50"))

    assert (done["lines"], done["repeated"], done["debits"], done["failed"]) == (1, 0, 0, 0)
    (line,) = lines(stage)
    assert (line["state"], line["payment_id"], line["exception"]) == ("matched", paid["id"], None)
    assert line["fee"]["amount"] == "2.50"
    settled: Any = stage.get(f"/v1/payments/{paid['id']}").json
    assert settled["settled_at"].startswith("2026-11-20")


def test_what_does_not_agree_says_why(stage: Stage) -> None:
    customer = stage.customer()
    stage.paid(customer, "500.00", method="bank_transfer", transaction_reference="DIFF")
    for _ in range(2):
        stage.paid(customer, "70.00", method="bank_transfer", transaction_reference="TWICE")
    stage.rows(
        "INSERT INTO gateway_transaction (gateway, transaction, amount, currency, source,"
        " received_at) VALUES ('bkash', 'LOST', 5, 'BDT', 'webhook', now()) RETURNING 1"
    )

    take(
        stage,
        table("2026-11-20,499.99,BDT,DIFF,,", "2026-11-20,70.00,BDT,TWICE,,",
              "2026-11-20,5.00,BDT,LOST,,", "2026-11-20,9.00,BDT,NEVER,,"),
        source="bkash",
    )  # fmt: skip

    found = {line["reference"]: line["exception"] for line in lines(stage, state="open")}
    assert found == {
        "DIFF": "amount_differs", "TWICE": "ambiguous", "LOST": "not_in_books", "NEVER": "unknown",
    }  # fmt: skip
    assert stage.rows("SELECT 1 FROM payment WHERE settled_at IS NOT NULL") == []


def test_a_file_and_its_lines_are_taken_once(stage: Stage) -> None:
    first = table("2026-11-20,5.00,BDT,A,,", "2026-11-20,6.00,BDT,B,,")
    asked = send(stage, first)
    assert asked.headers["Location"] == f"/v1/jobs/{asked.json['id']}"
    assert code(send(stage, first)) == (409, "imported")

    overlapping = take(stage, table("2026-11-20,6.00,BDT,B,,", "2026-11-20,7.00,BDT,C,,"))

    assert (overlapping["lines"], overlapping["repeated"]) == (2, 1)
    assert len(lines(stage)) == 3
    assert verdicts(stage, overlapping["id"]) == [
        ("skipped", {"line": 2, "code": "repeated"}), ("done", {"line": 3}),
    ]  # fmt: skip
    assert code(send(stage, first)) == (409, "imported")
    assert stage.rows("SELECT 1 FROM statement_row") == [], "nothing is kept twice"


def test_lines_without_a_reference_are_told_apart_by_how_many_there_are(stage: Stage) -> None:
    alike = "2026-11-20,5.00,BDT,,deposit,"
    assert take(stage, table(alike, alike))["repeated"] == 0
    later = take(stage, table(alike, alike, alike, "2026-11-20,5.00,BDT,,other,"))
    assert (later["lines"], later["repeated"]) == (4, 2)
    assert len(lines(stage)) == 4


def test_a_row_that_cannot_be_read_fails_alone_and_the_file_put_right_is_sent_again(
    stage: Stage,
) -> None:
    good = "2026-11-20,6.00,BDT,B,,"
    broken = take(stage, table("2026-11-20,Karim,BDT,A,,", good, "2026-11-20,-7.00,BDT,C,,"))

    assert (broken["lines"], broken["failed"], broken["debits"]) == (1, 1, 1)
    fault = {"field": "amount", "code": "invalid", "detail": "no amount such as 1,500.00"}
    assert verdicts(stage, broken["id"])[0] == ("failed", {"line": 2, "errors": [fault]})
    assert "Karim" not in str(stage.rows("SELECT verdict FROM job_row"))

    right = take(stage, table("2026-11-20,5.00,BDT,A,,", good))
    assert (right["lines"], right["repeated"], right["failed"]) == (2, 1, 0)
    assert sorted(line["reference"] for line in lines(stage)) == ["A", "B"]


def test_a_file_whose_job_was_cancelled_is_taken_when_it_is_sent_again(stage: Stage) -> None:
    content = table("2026-11-20,5.00,BDT,,Karim Ahmed,")
    asked = send(stage, content)
    stage.post(f"/v1/jobs/{asked.json['id']}/cancel", {})
    tasks.remove_deliveries(stage.database, current())
    assert stage.rows("SELECT 1 FROM statement_row") == [], "it may name people"

    again = send(stage, content)
    assert again.json["import_id"] == asked.json["import_id"]
    run_due(stage.database, kinds(current()))
    assert [line["description"] for line in lines(stage)] == ["Karim Ahmed"]


def test_who_is_erased_while_a_statement_waits_is_in_no_line(stage: Stage) -> None:
    customer = stage.customer("Karim Ahmed")
    send(stage, table("2026-11-20,5.00,BDT,Z,sent by KARIM AHMED,", "2026-11-20,6.00,BDT,Y,rent,"))
    stage.erase(customer)
    run_due(stage.database, kinds(current()))
    assert {line["line"]: line["description"] for line in lines(stage)} == {2: None, 3: "rent"}


def test_lines_are_matched_by_hand_and_ignored_once(stage: Stage) -> None:
    customer = stage.customer()
    paid = stage.paid(customer, "500.00", method="bank_transfer")
    void = stage.paid(customer, "1.00", method="bank_transfer")
    stage.post(f"/v1/payments/{void['id']}/void", {"reason": "a slip"})
    take(stage, table("2026-11-20,500.00,BDT,,Karim,", "2026-11-21,500.00,BDT,X,,",
                      "2026-11-22,3.00,BDT,Y,interest,"))  # fmt: skip
    first, second, interest = (f"/v1/statement-lines/{line['id']}" for line in lines(stage))

    assert code(stage.post(f"{first}/match", {"payment_id": void["id"]})) == (
        409,
        "not_this_payment",
    )
    assert stage.post(f"{first}/match", {"payment_id": first[-36:]}).status_code == 404
    done: Any = stage.post(f"{first}/match", {"payment_id": paid["id"]})
    assert (done.status_code, done.json["state"], done.json["decided_by"]) == (
        200,
        "matched",
        "admin",
    )
    assert code(stage.post(f"{second}/match", {"payment_id": paid["id"]})) == (
        409,
        "payment_matched",
    )
    assert code(stage.post(f"{first}/ignore", {"reason": "a slip"})) == (409, "line_decided")
    ignored: Any = stage.post(f"{interest}/ignore", {"reason": "the bank's interest"})
    assert ignored.json["state"] == "ignored"
    assert [line["id"] for line in lines(stage, state="open")] == [second[-36:]]


def test_the_report_shows_both_sides_by_age(stage: Stage) -> None:
    customer = stage.customer()
    old = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    stage.paid(customer, "500.00", method="bank_transfer", paid_at=old)
    stage.paid(customer, "20.00", method="cash")
    ten = (date.today() - timedelta(days=10)).isoformat()  # noqa: DTZ011 - a day of the calendar
    take(stage, table(f"{ten},9.00,BDT,NEVER,,"))

    found: Any = stage.get("/v1/reports/reconciliation").json

    assert [(a["method"], a["age_days"], a["payments"]) for a in found["unsettled_payments"]] == [
        ("bank_transfer", "31-90", 1)
    ]
    assert [
        (a["exception"], a["age_days"], a["amount"]["amount"]) for a in found["open_lines"]
    ] == [("unknown", "8-30", "9.00")]


def test_the_report_goes_from_the_newest_to_the_oldest(stage: Stage) -> None:
    customer, today = stage.customer(), datetime.now(UTC)
    days = (100, 40, 10, 2)
    for ago in days:
        paid_at = (today - timedelta(days=ago)).isoformat()
        stage.paid(customer, "500.00", method="bank_transfer", paid_at=paid_at)
    booked = [(today - timedelta(days=ago)).date().isoformat() for ago in days]
    take(stage, table(*(f"{day},9.00,BDT,NEVER-{day},," for day in booked)))

    found: Any = stage.get("/v1/reports/reconciliation").json

    for side in ("unsettled_payments", "open_lines"):
        assert [a["age_days"] for a in found[side]] == ["0-7", "8-30", "31-90", "91+"], side


def test_statements_are_of_a_branch_and_match_its_payments_alone(stage: Stage) -> None:
    customer = stage.customer()
    stage.paid(customer, "500.00", method="bank_transfer", transaction_reference="BANK-1")
    made = take(stage, table("2026-11-20,500.00,BDT,BANK-1,,"), path=SOUTH)
    elsewhere = stage.get(f"/v1/statement-imports/{made['id']}", NORTH, "reseller")
    assert elsewhere.status_code == 404

    (line,) = lines(stage, SOUTH)
    assert (line["state"], line["exception"]) == ("open", "unknown")
    assert lines(stage, NORTH) == []
    answer = stage.post(
        f"/v1/statement-lines/{line['id']}/ignore", {"reason": "x" * 9}, NORTH, "reseller"
    )
    assert answer.status_code == 404
    assert send(stage, "x", "image/png").status_code == 415
    assert send(stage, "x", source="moon").status_code == 422


@pytest.mark.parametrize("mode", ["pseudonymise", "everything"])
def test_an_erased_customer_is_in_no_line(stage: Stage, mode: str) -> None:
    customer = stage.customer("Karim Ahmed")
    stage.paid(customer, "500.00", method="bank_transfer", transaction_reference="BOOK-4711")
    take(stage, table("2026-11-20,500.00,BDT,BOOK-4711,from Karim Ahmed,",
                      "2026-11-20,5.00,BDT,Z,sent by KARIM AHMED again,",
                      "2026-11-20,7.00,BDT,X,cash in from 01711-000 000,",
                      "2026-11-20,6.00,BDT,Y,somebody else,"))  # fmt: skip

    stage.erase(customer, mode)

    left = stage.rows("SELECT reference, description FROM statement_line ORDER BY line")
    assert [row.description for row in left] == [None, None, None, "somebody else"]
    assert "BOOK-4711" not in str(left)
    (told,) = stage.rows("SELECT data FROM outbox WHERE type = 'erasure.receipt'")
    assert told.data["rows"]["statement_line"] >= 2
