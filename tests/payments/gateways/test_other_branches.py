"""What another reseller's is, is a 404 on every route, and in no list: made from the routes themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.routing import Rule

from payments import tasks
from payments.jobs import kinds
from shared.jobs import run_due
from tests.payments.gateways.till import Till
from tests.payments.press import money, order
from tests.payments.stage import NORTH, SOUTH, Stage, operator_id
from tests.payments.statements import send, table
from tests.support.gateways.bkash import FakeBkash

Ids = dict[str, str]
# Asked for by the service customers, by class, by the root operator, or by nobody known.
OF_NO_BRANCH = (
    "/v1/data-subjects/", "/v1/dunning-policies/", "/v1/dead-letters/", "/v1/webhooks/", "/static/",
)  # fmt: skip
REASON = {"reason": "of another branch"}
BODIES: dict[str, dict[str, Any]] = {
    "credit-note": REASON, "void": REASON, "limit": {"currency": "BDT", "limit": money("5.00")},
    "cancel": REASON, "refuse": REASON, "close": {"counted": money("0.00")}, "reverse": REASON,
    "adjustments": {"direction": "credit", "amount": money("5.00"), **REASON},
    "auto-payment-failures": REASON, "write-offs": REASON, "approve": REASON,
    "promises": {"until": (datetime.now(UTC) + timedelta(days=2)).date().isoformat()},
    "reject": {"give_back": False, **REASON}, "refund": REASON, "withdraw": REASON,
    "ignore": REASON, "payment-methods": {"gateway": "bkash"}, "confirm": {"sha256": "0" * 64},
}  # fmt: skip


def north(till: Till, bkash: FakeBkash) -> Ids:
    """One of everything, in the branch of the north: the ids by the names of the routes."""
    stage = till.stage
    for path, name in (("1/", "admin"), (NORTH, "north"), (SOUTH, "south")):
        stage.operator(path, name)
    numbered = stage.client.put(
        f"/v1/number-patterns/{operator_id(NORTH)}", json={"receipt": "{operator}-{number}"},
        headers={**stage.bearer(NORTH, "admin"), "If-Match": '"0"'},
    )  # fmt: skip
    assert numbered.status_code == 200, numbered.text
    customer = stage.customer(balance_control="postpaid")
    soon = datetime.now(UTC) + timedelta(days=3)
    stage.activate(customer, stage.package("500.00"), until=soon)
    tasks.announce(till.database, till.settings)
    ids = {"customer_id": str(customer), "operator_id": str(operator_id(NORTH))}
    ids |= _books(stage, customer) | _cash(stage, customer) | _files(till)
    intent = till.intent(customer, "bkash", path=NORTH)
    checkout = bkash.pay(intent["redirect_url"])
    checkout.amount, checkout.transaction = "1.00", "BKX0000001"
    assert till.deliver("bkash", bkash.notification(checkout)).status_code == 200
    till.work()
    (review,), (delivery,) = till.reviews(path=NORTH), till.deliveries(path=NORTH)
    method = till.store(customer, "bkash", path=NORTH)
    (proforma,) = _items(stage, "/v1/proforma-bills")
    event = _items(stage, "/v1/events")[0]
    return ids | {
        "intent_id": intent["id"], "review_id": review["id"], "delivery_id": delivery["id"],
        "method_id": method["id"],
        "proforma_id": proforma["id"], "event_id": event["id"],
    }  # fmt: skip


def _items(stage: Stage, url: str, path: str = NORTH, **query: Any) -> list[Any]:
    answer = stage.get(url, path, "admin", **query)
    assert answer.status_code == 200, f"{url}: {answer.text}"
    found: Any = answer.json
    return list(found["items"])


def _made(stage: Stage, url: str, body: dict[str, Any]) -> Any:
    answer: Any = stage.post(url, body, NORTH)
    assert answer.status_code in (200, 201, 202), f"{url}: {answer.json}"
    return answer.json


def _books(stage: Stage, customer: UUID) -> Ids:
    bill, payment = stage.bill(customer, "90.00"), stage.paid(customer, "20.00", path=NORTH)
    credit = _made(stage, f"/v1/customers/{customer}/adjustments", BODIES["adjustments"])
    promise = _made(stage, f"/v1/customers/{customer}/promises", BODIES["promises"])
    return {
        "bill_id": bill["id"], "payment_id": payment["id"], "credit_id": credit["credit_id"],
        "promise_id": promise["id"],
    }  # fmt: skip


def _cash(stage: Stage, customer: UUID) -> Ids:
    shift = _made(stage, "/v1/cash-shifts", {"counted": money("20.00")})
    given = _made(stage, "/v1/cash-hand-overs", {"amount": money("5.00")})
    return {"shift_id": shift["id"], "hand_over_id": given["id"]}


def _files(till: Till) -> Ids:
    stage = till.stage
    batch: Any = order(stage, 2, NORTH).json
    statement: Any = send(stage, table("2026-11-20,5.00,BDT,A,,"), path=NORTH).json
    export = _made(stage, "/v1/exports", {"resource": "payments", "format": "csv"})
    schedule = _made(stage, "/v1/export-schedules", {"resource": "payments", "every": "day"})
    run_due(till.database, kinds(till.settings))
    (line,) = _items(stage, "/v1/statement-lines")
    card = _items(stage, "/v1/recharge-cards")[0]
    return {
        "batch_id": batch["batch_id"], "import_id": statement["import_id"], "line_id": line["id"],
        "export_id": export["export_id"], "schedule_id": schedule["id"], "job_id": export["id"],
        "serial": card["serial"], "what": "cancel",
    }  # fmt: skip


def _rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Routes of one thing that somebody owns, each with a method."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        owned = rule.arguments and not rule.rule.startswith(OF_NO_BRANCH)
        if owned and getattr(view, "permission", None) is not None:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def _place(app: Flask, rule: Rule, ids: Ids) -> str:
    with app.test_request_context():
        values = {
            name: UUID(ids[name]) if type(rule._converters[name]).__name__ == "UUIDConverter" else ids[name]
            for name in rule.arguments
        }  # fmt: skip
        _, built = rule.build(values) or ("", "")
        return built


def test_another_resellers_is_a_404_on_every_route_of_one_thing(
    app: Flask, till: Till, stage: Stage, bkash: FakeBkash
) -> None:
    ids = north(till, bkash)
    before = stage.rows("SELECT count(*) FROM operation WHERE actor <> 'system'")
    seen, wrong = 0, []
    for rule, method in _rules(app):
        place = _place(app, rule, ids)
        body = {"payment_id": ids["payment_id"]} if place.endswith("/match") else None
        headers = {**stage.bearer(SOUTH), "Idempotency-Key": f"branch-{next(stage.keys):08d}",
                   "If-Match": "*"}  # fmt: skip
        answer = stage.client.open(
            place, method=method, headers=headers,
            json=body or BODIES.get(place.rpartition("/")[2], {} if method == "POST" else None),
        )  # fmt: skip
        seen += 1
        if answer.status_code != 404:
            wrong.append(f"{method} {place}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)
    assert seen > 40
    assert stage.rows("SELECT count(*) FROM operation WHERE actor <> 'system'") == before


def test_another_resellers_is_in_no_list_and_the_owners_in_all(
    till: Till, bkash: FakeBkash
) -> None:
    north(till, bkash)
    described: Any = till.stage.client.get("/openapi.json").json
    lists = [
        path for path, operations in described["paths"].items()
        if "cursor" in {one.get("name") for one in operations.get("get", {}).get("parameters", [])}
        # Who looks is logged a moment later, and is of the branch that looked.
        and not path.startswith(("/v1/dead-letters", "/v1/customers/", "/v1/jobs/", "/v1/access-log"))
    ]  # fmt: skip
    assert len(lists) > 12, lists
    stage = till.stage
    stage.rows("UPDATE gateway_transaction SET operator_path = '1/2/' RETURNING 1")
    for url in lists:
        assert _items(stage, url, SOUTH) == [], url
    empty = [url for url in lists if not _items(stage, url)]
    assert set(empty) <= {"/v1/gateway-refunds", "/v1/reminders"}, "the owner sees them"
