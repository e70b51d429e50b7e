"""Who looked at whose money: one line per answer that shows a person."""

from flask import Flask

from payments.api.access import SHOWS
from shared.http.looking import LOG
from tests.payments.stage import NORTH, Stage

# GET routes that show sums, rules, operators' own, and states.
SHOWS_NOBODY = frozenset(
    {
        "/docs", "/livez", "/metrics", "/readyz", "/v1/access-log", "/v1/cash-drawers",
        "/v1/cash-hand-overs", "/v1/cash-shifts", "/v1/data-subjects/<uuid:customer_id>",
        "/v1/dead-letters", "/v1/dunning-policies", "/v1/dunning-policies/<string:name>",
        "/v1/export-schedules", "/v1/export-schedules/<uuid:schedule_id>", "/v1/exports",
        "/v1/exports/<uuid:export_id>", "/v1/holidays", "/v1/jobs", "/v1/jobs/<uuid:job_id>",
        "/v1/jobs/<uuid:job_id>/events", "/v1/number-patterns",
        "/v1/number-patterns/<uuid:operator_id>", "/v1/operations/head", "/v1/operations/verify",
        "/v1/payment-intents/<uuid:intent_id>/return",
        "/v1/payment-methods/<uuid:method_id>/return", "/v1/payments/totals",
        "/v1/receipts/verify", "/v1/recharge-cards/batches",
        "/v1/recharge-cards/batches/<uuid:batch_id>", "/v1/reports/collections",
        "/v1/reports/ledger-proof", "/v1/reports/payment-to-internet",
        "/v1/reports/reconciliation", "/v1/reports/taxes", "/v1/statement-imports",
        "/v1/statement-imports/<uuid:import_id>",
    }
)  # fmt: skip


def test_every_get_route_says_whether_it_shows_a_person(app: Flask) -> None:
    """A new route is a decision, made in api/access.py or here."""
    rules = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    routes = {rule for rule in rules if rule.startswith("/v1/")}
    assert routes == {one for one in {*SHOWS, *SHOWS_NOBODY} if one.startswith("/v1/")}
    assert not set(SHOWS) & SHOWS_NOBODY


def test_whoever_looks_at_a_statement_is_noted_for_the_own_branch(stage: Stage, app: Flask) -> None:
    stage.operator(NORTH, "north")
    customer = stage.customer()
    assert stage.get(f"/v1/customers/{customer}/statement").status_code == 200
    assert stage.get("/v1/payments", NORTH, "reseller").status_code == 200
    assert stage.get("/v1/reports/collections").status_code == 200
    assert app.extensions[LOG].flush()
    seen = stage.get("/v1/access-log").get_json()["items"]
    assert {(row["what"], row["subject"]) for row in seen} == {
        ("customer.statement", str(customer)), ("payments", None),
    }  # fmt: skip


def test_an_erasure_of_everything_takes_the_looks_too(stage: Stage, app: Flask) -> None:
    """A35-A37: who looked at a mere pseudonym stays for its year."""
    kept, gone = stage.customer(), stage.customer("Rahim Uddin")
    for customer in (kept, gone):
        stage.get(f"/v1/customers/{customer}/balance")
    assert app.extensions[LOG].flush()
    stage.erase(kept)
    stage.erase(gone, "everything")
    assert stage.rows("SELECT subject FROM access_log") == [(kept,)]
