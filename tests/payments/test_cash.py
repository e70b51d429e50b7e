"""Operators' cash is a view of the ledger: shifts, hand-overs with two signatures, limits (peers 4.4)."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from payments import proving
from payments.jobs import kinds
from payments.settings import PaymentsSettings
from shared.database import Database
from shared.jobs import run_due
from tests.payments.stage import NORTH, SOUTH, Stage, operator_id

ROOT = "1/"


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["errors"][0]["code"]


def money(amount: str, currency: str = "BDT") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def site(stage: Stage) -> Any:
    """An admin and two resellers as payments hears of them; a customer of the north."""
    stage.operator(ROOT, "admin")
    stage.operator(NORTH, "north")
    stage.operator(SOUTH, "south")
    return stage.customer()


def pay(stage: Stage, customer: Any, amount: str, path: str = NORTH) -> Any:
    return stage.pay(
        customer, amount, path=path, role="reseller", override_duplicate={"reason": "a test"}
    )


def drawer(stage: Stage, path: str = NORTH) -> str | None:
    found: Any = stage.get("/v1/cash-drawers").json
    mine = [d for d in found["items"] if d["operator_id"] == str(operator_id(path))]
    return mine[0]["balance"]["amount"] if mine else None


def act(stage: Stage, url: str, body: dict[str, Any], path: str = NORTH, role: Any = None) -> Any:
    return stage.post(url, body, path, role or ("admin" if path == ROOT else "reseller"))


def hand_over(stage: Stage, amount: str, path: str = NORTH, **more: Any) -> Any:
    return act(stage, "/v1/cash-hand-overs", {"amount": money(amount), **more}, path)


def limit(stage: Stage, amount: str | None, path: str = ROOT, role: Any = None) -> Any:
    body = {"currency": "BDT", "limit": None if amount is None else money(amount)}
    url = f"/v1/cash-drawers/{operator_id(NORTH)}/limit"
    return act(stage, url, body, path, role)


def proved(database: Database) -> bool:
    return bool(proving.prove(database)["differences"] == 0)


def test_a_drawer_is_the_cash_that_its_operator_took(stage: Stage, database: Database) -> None:
    customer = site(stage)
    paid = pay(stage, customer, "500.00").json
    stage.pay(customer, "70.00", "bkash", path=NORTH, role="reseller", transaction_reference="T1")
    other = pay(stage, customer, "20.00").json
    assert drawer(stage) == "520.00"

    stage.post(f"/v1/payments/{other['id']}/void", {"reason": "a slip"})
    stage.post(f"/v1/payments/{paid['id']}/refund", {"reason": "outage", "amount": money("50.00")})

    assert drawer(stage) == "500.00", "a payment that never was is not in it"
    assert drawer(stage, ROOT) == "-50.00", "who paid out has that much less"
    assert proved(database)
    stage.erase(customer, "everything")
    assert drawer(stage) == "500.00", "who is erased takes no cash out of a drawer"
    assert proved(database)


def test_cash_is_paid_out_of_the_drawer_of_who_pays_it_out(
    stage: Stage, database: Database
) -> None:
    customer = site(stage)
    paid = pay(stage, customer, "500.00").json
    given = hand_over(stage, "500.00").json
    act(stage, f"/v1/cash-hand-overs/{given['id']}/accept", {}, ROOT)
    refund = f"/v1/payments/{paid['id']}/refund"

    stage.post(refund, {"reason": "outage", "amount": money("50.00")})

    assert (drawer(stage), drawer(stage, ROOT)) == ("0.00", "450.00")
    act(stage, refund, {"reason": "outage", "amount": money("20.00")}, NORTH, "manager")
    assert (drawer(stage), drawer(stage, ROOT)) == ("-20.00", "450.00")
    online = stage.pay(customer, "70.00", "bkash", path=NORTH, role="reseller").json
    stage.post(f"/v1/payments/{online['id']}/refund", {"reason": "outage"})  # type: ignore[index]
    assert (drawer(stage), drawer(stage, ROOT)) == ("-20.00", "450.00"), "no cash moved"
    assert proved(database)


def test_a_shift_books_what_is_missing_and_what_is_too_much(
    stage: Stage, database: Database
) -> None:
    customer = site(stage)
    opened = act(stage, "/v1/cash-shifts", {"counted": money("0.00")})
    assert opened.status_code == 201, opened.json
    assert code(act(stage, "/v1/cash-shifts", {"counted": money("0.00")})) == (409, "shift_open")
    pay(stage, customer, "500.00")
    url = f"/v1/cash-shifts/{opened.json['id']}/close"

    assert act(stage, url, {"counted": money("495.00")}, SOUTH).status_code == 404
    assert code(act(stage, url, {"counted": money("4.00", "USD")})) == (409, "shift_currency")
    closed = act(stage, url, {"counted": money("495.00"), "note": "five lost"})

    assert closed.json["closing_expected"] == money("500.00")
    assert closed.json["closing_counted"] == money("495.00")
    assert drawer(stage) == "495.00"
    assert code(act(stage, url, {"counted": money("495.00")})) == (409, "shift_closed")
    again = act(stage, "/v1/cash-shifts", {"counted": money("497.00")})
    assert again.json["opening_expected"] == money("495.00")
    short = stage.rows("SELECT sum(amount) FROM ledger_entry WHERE account = 'cash_over_short'")
    assert short == [(Decimal("3.0000"),)]
    assert stage.rows("SELECT sum(amount) FROM ledger_entry") == [(0,)]
    assert proved(database)


def ledger(stage: Stage, path: str, run: Any) -> list[dict[str, str]]:
    """The exported ledger as this operator gets it."""
    role: Any = "admin" if path == ROOT else "reseller"
    asked: Any = stage.post("/v1/exports", {"resource": "ledger"}, path, role)
    assert asked.status_code == 202, asked.json
    run()
    answer = stage.get(f"/v1/exports/{asked.json['export_id']}/file", path, role)
    rows = list(csv.DictReader(answer.data.decode("utf-8-sig").splitlines()))
    answer.close()
    return rows


def test_the_exported_ledger_is_the_ledger_with_cash_of_no_customer_e24(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    customer = site(stage)
    pay(stage, customer, "500.00")
    act(stage, "/v1/cash-shifts", {"counted": money("490.00")})
    given = hand_over(stage, "300.00").json
    act(stage, f"/v1/cash-hand-overs/{given['id']}/accept", {}, ROOT)

    def run() -> None:
        run_due(database, kinds(settings))

    everything, north = (ledger(stage, path, run) for path in (ROOT, NORTH))

    (lines,) = stage.rows("SELECT count(*) FROM ledger_entry")
    assert len(everything) == lines[0] == 6
    assert sum(Decimal(row["Amount"]) for row in everything) == 0
    assert {row["Kind"] for row in everything} >= {"payment", "hand_over"}
    assert len(north) == 6, "what was handed over by the north is in its own ledger"
    assert ledger(stage, SOUTH, run) == [], "and in nobody else's"
    held = [(row["Operator"], row["Amount"]) for row in everything if row["Kind"] == "hand_over"]
    assert sorted(held) == [("Admin", "300.0000"), ("North", "-300.0000")]


def test_cash_moves_when_the_superior_accepts_it_and_once(stage: Stage, database: Database) -> None:
    customer = site(stage)
    pay(stage, customer, "500.00")
    given = hand_over(stage, "300.00", note="with the driver")
    assert given.status_code == 201, given.json
    assert given.json["taker_id"] == str(operator_id(ROOT))
    assert drawer(stage) == "500.00"
    assert code(hand_over(stage, "200.01")) == (409, "not_in_drawer")
    url = f"/v1/cash-hand-overs/{given.json['id']}"
    assert code(act(stage, f"{url}/accept", {})) == (409, "not_yours")
    assert act(stage, f"{url}/accept", {}, SOUTH).status_code == 404

    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: act(stage, f"{url}/accept", {}, ROOT).status_code, range(4))
        )

    assert sorted(answers) == [200, 409, 409, 409]
    assert (drawer(stage), drawer(stage, ROOT)) == ("200.00", "300.00")
    assert code(act(stage, f"{url}/cancel", {"reason": "changed mind"})) == (409, "decided")
    refused = hand_over(stage, "100.00").json
    url = f"/v1/cash-hand-overs/{refused['id']}"
    assert act(stage, f"{url}/refuse", {"reason": "never came"}, ROOT).json["state"] == "refused"
    kept = hand_over(stage, "200.00").json
    url = f"/v1/cash-hand-overs/{kept['id']}"
    assert act(stage, f"{url}/cancel", {"reason": "bank closed"}).json["state"] == "cancelled"
    assert drawer(stage) == "200.00"
    assert proved(database)


def test_cash_is_handed_upwards_only(stage: Stage) -> None:
    customer = site(stage)
    pay(stage, customer, "500.00")
    for taker in (operator_id(SOUTH), operator_id(NORTH), operator_id("1/99/")):
        assert hand_over(stage, "5.00", taker_id=str(taker)).status_code == 404
    assert hand_over(stage, "5.00", ROOT).status_code == 404


def test_a_full_drawer_takes_no_cash_and_says_what_to_do(stage: Stage, database: Database) -> None:
    customer = site(stage)
    assert limit(stage, "600.00").status_code == 200
    pay(stage, customer, "500.00")

    refused = pay(stage, customer, "100.01")

    assert code(refused) == (409, "drawer_full")
    assert "room for 100.00 BDT" in refused.json["detail"]
    assert "/v1/cash-hand-overs" in refused.json["detail"]
    other = stage.pay(customer, "900.00", "bank_transfer", path=NORTH, role="reseller")
    assert other.status_code == 201, "the limit is about cash"
    with ThreadPoolExecutor(8) as pool:
        answers = [
            a.status_code for a in pool.map(lambda _: pay(stage, customer, "40.00"), range(8))
        ]
    assert answers.count(201) == 2
    assert drawer(stage) == "580.00"
    given = hand_over(stage, "580.00").json
    act(stage, f"/v1/cash-hand-overs/{given['id']}/accept", {}, ROOT)
    assert pay(stage, customer, "600.00").status_code == 201
    limit(stage, None)
    assert pay(stage, customer, "1.00").status_code == 201


def test_limits_are_set_from_above(stage: Stage) -> None:
    site(stage)
    assert limit(stage, "5.00", NORTH).status_code == 403
    assert code(limit(stage, "5.00", NORTH, "manager")) == (409, "own_limit")
    assert limit(stage, "5.00", SOUTH, "manager").status_code == 404
    bad = act(
        stage, f"/v1/cash-drawers/{operator_id(NORTH)}/limit",
        {"currency": "BDT", "limit": money("5.00", "USD")}, ROOT,
    )  # fmt: skip
    assert (bad.status_code, bad.json["errors"][0]["pointer"]) == (422, "/limit")


def test_bad_counts_are_refused_by_the_field(stage: Stage) -> None:
    site(stage)
    for counted in (money("-1.00"), money("1.001"), {"amount": "1.00"}, "5", money("0", "XXX")):
        answer = act(stage, "/v1/cash-shifts", {"counted": counted})
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/counted")
    assert hand_over(stage, "0.00").status_code == 422
    assert stage.rows("SELECT 1 FROM cash_shift") == []


def test_cash_of_another_branch_is_not_seen(stage: Stage) -> None:
    customer = site(stage)
    pay(stage, customer, "500.00")
    act(stage, "/v1/cash-shifts", {"counted": money("500.00")})
    hand_over(stage, "5.00")
    for url in ("/v1/cash-drawers", "/v1/cash-shifts", "/v1/cash-hand-overs"):
        theirs: Any = stage.get(url, SOUTH, "reseller").json
        own: Any = stage.get(url, NORTH, "reseller").json
        assert (theirs["items"], len(own["items"])) == ([], 1), url


class Drawers(RuleBasedStateMachine):
    """Any order of payments, voids, refunds, shifts and hand-overs: cash is conserved."""

    stage: Stage
    database: Database
    customer: Any

    def __init__(self) -> None:
        super().__init__()
        self.paid: list[str] = []
        self.pending: list[str] = []

    @rule(amount=st.sampled_from(("1.00", "2.50", "10.00")))
    def pay(self, amount: str) -> None:
        self.paid.append(pay(self.stage, self.customer, amount).json["id"])

    @rule()
    def void(self) -> None:
        if self.paid:
            url = f"/v1/payments/{self.paid.pop()}/void"
            assert self.stage.post(url, {"reason": "a slip"}).status_code == 200

    @rule()
    def refund(self) -> None:
        if self.paid:
            body = {"reason": "outage", "amount": money("1.00")}
            url = f"/v1/payments/{self.paid.pop()}/refund"
            assert self.stage.post(url, body).status_code == 200

    @rule(amount=st.sampled_from(("1.00", "5.00")))
    def give(self, amount: str) -> None:
        answer = hand_over(self.stage, amount)
        if answer.status_code == 201:
            self.pending.append(answer.json["id"])
        else:
            assert code(answer) == (409, "not_in_drawer")

    @rule(accept=st.booleans())
    def decide(self, accept: bool) -> None:
        if self.pending:
            url = f"/v1/cash-hand-overs/{self.pending.pop()}"
            body = {} if accept else {"reason": "never came"}
            answer = act(self.stage, f"{url}/{'accept' if accept else 'refuse'}", body, ROOT)
            assert answer.status_code == 200

    @rule(counted=st.sampled_from(("0.00", "3.00", "12.00")))
    def count(self, counted: str) -> None:
        opened = act(self.stage, "/v1/cash-shifts", {"counted": money(counted)})
        url = f"/v1/cash-shifts/{opened.json['id']}/close"
        assert act(self.stage, url, {"counted": money(counted)}).status_code == 200

    @invariant()
    def cash_is_conserved(self) -> None:
        assert proving.prove(self.database)["differences"] == 0
        with self.database.transaction() as session:
            held, taken, short = session.execute(
                text(
                    "SELECT (SELECT coalesce(sum(balance), 0) FROM cash_drawer),"
                    " (SELECT coalesce(sum(amount - refunded), 0) FROM payment WHERE method = 'cash'"
                    "  AND status <> 'voided'),"
                    " (SELECT coalesce(sum(amount), 0) FROM ledger_entry"
                    "  WHERE account = 'cash_over_short')"
                )
            ).one()
        assert held == taken - short


def test_cash_is_conserved_whatever_operators_do(stage: Stage, database: Database) -> None:
    Drawers.stage, Drawers.database, Drawers.customer = stage, database, site(stage)
    run_state_machine_as_test(
        Drawers,
        settings=hypothesis_settings(
            max_examples=8, stateful_step_count=15, deadline=None, database=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )  # fmt: skip
