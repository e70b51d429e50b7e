"""The payments log: filters E13-E15, search E17-E19, totals, exports, and plans at size."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import func, select, text
from uuid_utils.compat import uuid7

from payments.persistence import matching, searching
from payments.persistence.matching import Matches, look_up
from payments.persistence.searching import listed, values_of
from payments.persistence.tables import payment
from shared.database import EVERYTHING, Database, Scope
from tests.payments.stage import NORTH, SOUTH, Stage


def amounts(stage: Stage, path: str = "1/", role: Any = "admin", **query: Any) -> list[str]:
    answer = stage.get("/v1/payments", path, role, **query)
    assert answer.status_code == 200, answer.json
    body: Any = answer.json
    return [row["amount"]["amount"] for row in body["items"]]


def test_search_by_name_username_and_reference_e17_e18_e19(stage: Stage) -> None:
    karim, rahim = stage.customer("Karim Ahmed"), stage.customer("Rahim Uddin", username="r_99%x")
    stage.paid(karim, "1.00", transaction_reference="BOOK-0001")
    stage.paid(rahim, "2.00", method="bkash", transaction_reference="9AB12CD34E")

    assert amounts(stage, q="karim ah") == ["1.00"]
    assert amounts(stage, q="R_99%X") == ["2.00"], "% and _ are letters here (B6)"
    assert amounts(stage, q="%") == ["2.00"]
    assert amounts(stage, q="_") == ["2.00"]
    assert amounts(stage, q="b12cd") == ["2.00"]
    assert amounts(stage, q="book-0001") == ["1.00"]
    assert amounts(stage, q="im") == ["2.00", "1.00"]
    assert amounts(stage, q="nobody") == []


def test_numbers_are_found_by_any_part_and_receipts_whole_e18_e19(stage: Stage) -> None:
    karim = stage.customer("Karim", username="user350081", phone="+8801772291439")
    stage.customer("Rahim", username="user350082", phone="+8801772291438")
    paid = stage.paid(karim, "1.00", transaction_reference="TRX 20260081")

    for q in ("user350081", "R350081", "0081", "+8801772291439", "772291439", "01772291439",
              "trx 20260081", "20260081", paid["receipt_number"].lower()):  # fmt: skip
        assert amounts(stage, q=q) == ["1.00"], q
    for q in ("user3500812", "x350081", "+8801772291438", "9772291439", "trx20260081",
              paid["receipt_number"][1:]):  # fmt: skip
        assert amounts(stage, q=q) == [], q


def test_a_search_that_finds_too_many_walks_the_list_with_the_same_answer(
    stage: Stage, monkeypatch: Any
) -> None:
    karim = stage.customer("Karim Ahmed")
    for n in range(1, 6):
        stage.paid(karim, f"{n}.00", transaction_reference=f"REF-{n}")
    stage.paid(stage.customer("Rahim"), "9.00")
    named = amounts(stage, q="karim"), amounts(stage, q="ref-")
    totals: Any = stage.get("/v1/payments/totals", q="karim").json

    monkeypatch.setattr(matching, "CANDIDATES", 0)

    assert (amounts(stage, q="karim"), amounts(stage, q="ref-")) == named
    assert named == (["5.00", "4.00", "3.00", "2.00", "1.00"],) * 2
    assert stage.get("/v1/payments/totals", q="karim").json == totals


@pytest.mark.parametrize(("path", "role"), [("1/", "admin"), (NORTH, "reseller")])
def test_a_search_that_finds_nobody_is_an_empty_page_of_none_and_asked_for_properly(
    stage: Stage, path: str, role: Any
) -> None:
    stage.paid(stage.customer(path=SOUTH), "1.00", transaction_reference="REF-SOUTH")
    q = "qwxzzyq" if role == "admin" else "ref-south"

    page: Any = stage.get("/v1/payments", path, role, q=q, include="total").json
    totals: Any = stage.get("/v1/payments/totals", path, role, q=q).json

    assert page == {"items": [], "next_cursor": None, "total": 0, "total_is_estimate": False}
    assert totals == {"items": []}
    assert stage.get("/v1/payments", path, role, q=q, sort="name").status_code == 422


def test_a_page_tells_of_each_payment_which_bills_it_paid(stage: Stage) -> None:
    customer = stage.customer()
    first, second = (stage.bill(customer, amount) for amount in ("30.00", "20.00"))
    stage.paid(customer, "40.00")
    stage.paid(customer, "5.00")

    page: Any = stage.get("/v1/payments", q="karim").json

    assert [
        [(one["bill_id"], one["amount"]["amount"]) for one in row["allocations"]]
        for row in page["items"]
    ] == [[(second["id"], "5.00")], [(first["id"], "30.00"), (second["id"], "10.00")]]
    for row in page["items"]:
        assert row == stage.get(f"/v1/payments/{row['id']}").json


@pytest.mark.parametrize("most", [1000, 0], ids=["few", "dense"])
def test_digits_are_read_in_every_script_and_names_as_they_are_written_e17_e18_e19(
    stage: Stage, monkeypatch: Any, most: int
) -> None:
    monkeypatch.setattr(matching, "CANDIDATES", most)
    karim = stage.customer("Karim", phone="+8801772291439")
    house = stage.customer("বাড়ি ১২৩৪৫", username="house", phone="+8801811000000")
    stage.paid(karim, "1.00", transaction_reference="TRX 20260081")
    stage.paid(house, "2.00")

    for q in ("০১৭৭২২৯১৪৩৯", "২২৯১৪৩৯", "trx ২০২৬০০৮১", "٠١٧٧٢٢٩١٤٣٩"):
        assert amounts(stage, q=q) == ["1.00"], q
    assert amounts(stage, q="১২৩৪৫") == ["2.00"]
    stage.bill(karim)
    bills: Any = stage.get("/v1/bills", q="০১৭৭২২৯১৪৩৯").json
    assert [bill["customer_name"] for bill in bills["items"]] == ["Karim"]


@pytest.mark.parametrize("most", [1000, 5, 4], ids=["few", "as many as are named", "more"])
def test_a_search_of_bills_finds_those_of_everybody_who_fits_e25(
    stage: Stage, monkeypatch: Any, most: int
) -> None:
    monkeypatch.setattr(matching, "CANDIDATES", most)
    for number in range(1, 6):
        stage.bill(stage.customer(f"Karim {number}", path=NORTH), f"{number}.00")
    stage.bill(stage.customer("Rahim", path=NORTH), "7.00")
    stage.bill(stage.customer("Karim of the South", path=SOUTH), "8.00")

    def found(path: str, role: Any) -> list[str]:
        totals, query = list[str](), {"q": "karim", "limit": 2}
        while True:
            page: Any = stage.get("/v1/bills", path, role, **query).json
            totals += [bill["total"]["amount"] for bill in page["items"]]
            if page["next_cursor"] is None:
                return totals
            query["cursor"] = page["next_cursor"]

    own = ["5.00", "4.00", "3.00", "2.00", "1.00"]
    assert found("1/", "admin") == ["8.00", *own]
    assert found(NORTH, "reseller") == own


def test_a_reseller_searches_the_own_branch_only(stage: Stage) -> None:
    stage.paid(stage.customer("Karim One", path=NORTH), "1.00", transaction_reference="REF-NORTH")
    stage.paid(stage.customer("Karim Two", path=SOUTH), "2.00", transaction_reference="REF-SOUTH")

    assert amounts(stage, NORTH, "reseller", q="karim") == ["1.00"]
    assert amounts(stage, NORTH, "reseller", q="ref-") == ["1.00"]
    assert amounts(stage, NORTH, "reseller", q="ref-south") == []


def test_filters_by_date_operator_and_method_e13_e14_e15(stage: Stage) -> None:
    customer = stage.customer()
    stage.paid(customer, "1.00")
    by_north = stage.paid(customer, "2.00", method="nagad", path=NORTH, role="reseller")
    today = datetime.now(UTC)
    tomorrow = (today + timedelta(days=2)).date().isoformat()
    yesterday = (today - timedelta(days=2)).date().isoformat()

    assert amounts(stage, method="nagad") == ["2.00"]
    assert amounts(stage, operator_id=by_north["operator_id"]) == ["2.00"]
    assert amounts(stage, **{"from": yesterday, "to": tomorrow}) == ["2.00", "1.00"]
    assert amounts(stage, **{"from": tomorrow}) == []
    assert amounts(stage, to=yesterday) == []
    assert amounts(stage, **{"from": by_north["recorded_at"]}) == ["2.00"]
    assert amounts(stage, status="voided") == []
    assert amounts(stage, sort="amount") == ["1.00", "2.00"]
    for bad in ({"from": "2026-11-21T10:00:00"}, {"from": "x"}, {"method": "gold"}, {"color": "red"},
                {"from": tomorrow, "to": yesterday}, {"sort": "name"}, {"cursor": "x"}):  # fmt: skip
        assert stage.get("/v1/payments", **bad).status_code == 422, bad  # type: ignore[arg-type]


def test_pages_follow_one_another_without_gap_or_double(stage: Stage) -> None:
    customer = stage.customer()
    for n in range(1, 8):
        stage.paid(customer, f"{n}.00")

    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        body: Any = stage.get("/v1/payments", limit=3, include="total", **cursor).json  # type: ignore[arg-type]
        assert (body["total"], body["total_is_estimate"]) == (7, False)
        seen += [row["amount"]["amount"] for row in body["items"]]
        if body["next_cursor"] is None:
            break
        cursor = {"cursor": body["next_cursor"]}

    assert seen == [f"{n}.00" for n in range(7, 0, -1)]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("amount,-paid_at", "1122334"), ("-amount", "4332211"), ("-paid_at,amount", "1324123")],
)
def test_pages_of_a_filter_follow_one_another_in_any_order(
    stage: Stage, sort: str, expected: str
) -> None:
    customer, start = stage.customer(), datetime.now(UTC) - timedelta(days=9)
    for n, amount in enumerate("3214231"):
        paid_at = (start + timedelta(days=n)).isoformat()
        stage.paid(customer, f"{amount}.00", method="nagad", paid_at=paid_at)
        stage.paid(customer, f"{amount}.00")

    # Twice: the statements of the second time are those that were kept of the first.
    for _ in range(2):
        seen = ""
        cursor: dict[str, str] = {}
        while True:
            query: Any = {"method": "nagad", "limit": 2, "sort": sort, **cursor}
            body: Any = stage.get("/v1/payments", **query).json
            seen += "".join(row["amount"]["amount"][0] for row in body["items"])
            if body["next_cursor"] is None:
                break
            cursor = {"cursor": body["next_cursor"]}
        assert seen == expected


def test_totals_leave_void_payments_out_and_show_what_was_given_back(stage: Stage) -> None:
    customer = stage.customer()
    void = stage.paid(customer, "5.00")
    stage.paid(customer, "10.00")
    back = stage.paid(customer, "7.00", method="nagad")
    stage.post(f"/v1/payments/{void['id']}/void", {"reason": "a slip"})
    money = {"amount": "2.50", "currency": "BDT"}
    stage.post(f"/v1/payments/{back['id']}/refund", {"reason": "outage", "amount": money})

    body: Any = stage.get("/v1/payments/totals").json
    report: Any = stage.get("/v1/reports/collections", by="day,method").json

    sums = [
        (r["method"], r["payments"], r["amount"]["amount"], r["net"]["amount"])
        for r in body["items"]
    ]
    assert sums == [("cash", 1, "10.00", "10.00"), ("nagad", 1, "7.00", "4.50")]
    assert [(r["method"], r["net"]["amount"]) for r in report["items"]] == [
        ("cash", "10.00"), ("nagad", "4.50"),
    ]  # fmt: skip
    assert all(row["day"] for row in report["items"])
    by_operator: Any = stage.get("/v1/reports/collections", by="operator").json
    assert [row["operator_name"] for row in by_operator["items"]] == ["admin"]


def test_totals_that_take_too_long_are_refused_and_point_to_the_export(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.paid(stage.customer())
    monkeypatch.setattr(searching, "SUMMED_WITHIN", "20ms")
    routes = import_module("payments.api.payments")
    monkeypatch.setattr(routes, "totals", lambda *_: select(func.pg_sleep(20)))

    answer: Any = stage.get("/v1/payments/totals", q="karim")

    assert answer.status_code == 422, answer.json
    assert [(e["parameter"], e["code"]) for e in answer.json["errors"]] == [("q", "too_many")]
    assert "export" in answer.json["detail"]
    monkeypatch.undo()
    assert stage.get("/v1/payments/totals", q="karim").status_code == 200


def test_an_export_has_the_filtered_rows_with_all_columns_e20_e23(
    stage: Stage, database: Database, settings: Any
) -> None:
    from payments.jobs import kinds
    from shared.jobs import run_due

    customer = stage.customer("Karim Ahmed")
    stage.bill(customer, "30.00")
    stage.paid(customer, "10.00", note="=1+1")
    stage.paid(customer, "20.00", method="nagad")
    exports = {}
    for resource, wanted in (("payments", {"method": "cash"}), ("bills", {}), ("ledger", {})):
        asked: Any = stage.post(
            "/v1/exports", {"resource": resource, "format": "csv", "filter": wanted}
        )
        assert asked.status_code == 202, asked.json
        exports[resource] = asked.json["export_id"]
    run_due(database, kinds(settings))

    files = {}
    for resource, export in exports.items():
        answer = stage.get(f"/v1/exports/{export}/file")
        assert answer.status_code == 200, (resource, stage.get(f"/v1/exports/{export}").json)
        files[resource] = answer.data.decode("utf-8-sig").splitlines()
        answer.close()

    assert len(files["payments"]) == 2, "one header, one cash payment"
    for title in ("Customer Name", "Username", "Amount", "Payment Method", "Date & Time", "Operator",
                  "Transaction Reference", "Note"):  # fmt: skip
        assert title in files["payments"][0]
    assert "Karim Ahmed" in files["payments"][1]
    assert "10.00" in files["payments"][1]
    assert len(files["bills"]) == 2
    assert len(files["ledger"]) == 1 + 2 * 5, "a bill, two payments, two allocations"


@pytest.mark.parametrize("q", ["karim", "bank-47", "nobody"])
def test_an_export_takes_the_search_of_the_list_e23(
    stage: Stage, database: Database, settings: Any, q: str
) -> None:
    from payments.jobs import kinds
    from shared.jobs import run_due

    stage.paid(stage.customer("Karim Ahmed"), "10.00")
    stage.paid(stage.customer("Rahim"), "20.00", transaction_reference="BANK-4711")
    asked: Any = stage.post("/v1/exports", {"resource": "payments", "filter": {"q": q}})
    assert asked.status_code == 202, asked.json
    run_due(database, kinds(settings))

    answer = stage.get(f"/v1/exports/{asked.json['export_id']}/file")
    lines = answer.data.decode("utf-8-sig").splitlines()[1:]
    answer.close()

    listed: Any = stage.get("/v1/payments", q=q).json["items"]  # type: ignore[index]
    assert len(lines) == len(listed) == (0 if q == "nobody" else 1)
    assert all(row["customer_name"] in line for row, line in zip(listed, lines, strict=True))


@pytest.mark.parametrize("sort", ["-recorded_at", "recorded_at", "-amount", "paid_at"])
def test_an_export_says_what_the_list_says_in_its_order_e10_e23(
    stage: Stage, database: Database, settings: Any, sort: str
) -> None:
    from payments.jobs import kinds
    from shared.jobs import run_due

    karim = stage.customer("Karim Ahmed")
    for amount in ("10.00", "30.00", "20.00"):
        stage.paid(karim, amount, paid_at=f"2026-01-{amount[:2]}T06:00:00Z")
    stage.rows(
        "UPDATE payment SET gateway = 'bkash', method = 'bkash', operator_id = NULL,"
        " operator_name = 'bKash' WHERE amount = 20 RETURNING 1"
    )
    asked: Any = stage.post("/v1/exports", {"resource": "payments", "sort": sort})
    assert asked.status_code == 202, asked.json
    run_due(database, kinds(settings))

    answer = stage.get(f"/v1/exports/{asked.json['export_id']}/file")
    rows = list(csv.DictReader(answer.data.decode("utf-8-sig").splitlines()))
    answer.close()

    listed: Any = stage.get("/v1/payments", sort=sort).json
    shown = [(item["amount"]["amount"], item["operator_name"]) for item in listed["items"]]
    assert [(row["Amount"][:5], row["Operator"]) for row in rows] == shown
    assert ("20.00", "bKash") in shown


def test_an_export_is_not_sorted_by_what_its_list_is_not_e23(stage: Stage) -> None:
    answer: Any = stage.post("/v1/exports", {"resource": "payments", "sort": "note"})

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/sort")


_MANY = (
    "INSERT INTO customer_fact (id, version, operator_path, customer_number, name, username,"
    " operator_id, operator_name, standing, balance_control, currency) SELECT"
    " lpad(to_hex(n), 32, '0')::uuid, 1, '1/' || n % 50 || '/', 'C' || n, 'Name ' || md5(n::text),"
    " 'user' || n, lpad('1', 32, '0')::uuid, 'North', 'customer', 'prepaid', 'BDT'"
    " FROM generate_series(1, 4000) n",
    "INSERT INTO account (customer_id, operator_path, currency)"
    " SELECT id, operator_path, 'BDT' FROM customer_fact",
    "INSERT INTO payment (id, customer_id, operator_path, amount, currency, method, paid_at,"
    " recorded_at, operator_name, receipt_number, transaction_reference) SELECT gen_random_uuid(),"
    " lpad(to_hex(1 + n % 4000), 32, '0')::uuid, '1/' || (1 + n % 4000) % 50 || '/', 500, 'BDT',"
    " CASE WHEN n % 3 = 0 THEN 'cash' ELSE 'bkash' END, now(), now() - n * interval '1 minute',"
    " 'x', 'R' || n, 'TRX' || md5('r' || n) FROM generate_series(1, 20000) n",
    "ANALYZE customer_fact",
    "ANALYZE payment",
)


def plan_of(session: Any, query: Any, values: Any) -> str:
    compiled = query.compile(session.get_bind(), compile_kwargs={"render_postcompile": True})
    return "\n".join(
        session.connection()
        .exec_driver_sql(f"EXPLAIN {compiled}", compiled.params | values)
        .scalars()
    )


def test_no_list_reads_the_whole_table_to_show_a_page(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("RESET ROLE"))
        for statement in _MANY:
            session.execute(text(statement))
    newest = (payment.c.recorded_at.desc(), payment.c.id.desc())
    month = {"from": datetime.now(UTC) - timedelta(days=30)}
    with database.transaction() as session:
        named = look_up(session, EVERYTHING, "user777")
        unique = look_up(session, EVERYTHING, "TRX")
        assert not named.dense
        assert unique.dense
        for filters, found, scope in (
            ({}, None, EVERYTHING), ({"method": "cash"}, None, EVERYTHING), (month, None, EVERYTHING),
            ({}, named, EVERYTHING), ({}, unique, EVERYTHING), ({"status": "voided"}, None, EVERYTHING),
            ({}, None, Scope("1/7/")), ({"customer_id": named.customers[0]}, None, EVERYTHING),
        ):  # fmt: skip
            values = values_of(scope, filters)
            query = listed(values, found).order_by(*newest).limit(26)
            plan = plan_of(session, query, values)
            assert "Seq Scan on payment" not in plan, plan


def test_what_a_search_found_is_read_once_and_not_for_each_payment(database: Database) -> None:
    found = Matches("karim", [uuid7() for _ in range(300)], [uuid7()], dense=False)
    with database.transaction() as session:
        # As a walk along the list has it, where the ids are a filter.
        for name in ("enable_bitmapscan", "enable_seqscan", "enable_sort"):
            session.execute(text(f"SET LOCAL {name} = off"))
        plan = plan_of(session, listed({}, found).order_by(payment.c.recorded_at), {})

    assert "}'::uuid[]))" in plan, plan
    assert "::text)" not in plan, plan
