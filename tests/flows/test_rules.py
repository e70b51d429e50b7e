"""Rules of the books that reach the network: the spending limit, and how long sessions are kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from celery import Celery

from tests.flows.front_end import CUSTOMERS, PAYMENTS, Json, new_key
from tests.flows.site import Site
from tests.flows.test_money import PASSWORD, SOON, change, money, served, until_seen
from tests.support.waiting import until

POLICIES = "/v1/retention-policies"


@pytest.fixture
def noon(site: Site) -> Iterator[None]:
    """The ISP's day is in its middle, so that the test meets no midnight."""
    ahead = 12 - datetime.now(UTC).hour
    # POSIX counts to the west.
    name = f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"
    (before,) = site.rows("payments", "SELECT time_zone FROM calendar")
    set_to = "UPDATE calendar SET time_zone = %s RETURNING one"
    site.rows("payments", set_to, name)
    yield
    site.rows("payments", set_to, before["time_zone"])


def test_c30_a_charge_that_reaches_the_spending_limit_walls_and_its_void_opens_again(
    site: Site, noon: None
) -> None:
    made = served(site, "spender")
    change(site, made["id"], spending_limit=money("50.00"))
    next_week = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    site.admin.issue_bill(made["id"], "20.00", next_week)
    bill = site.admin.issue_bill(made["id"], "30.00", next_week)

    until_seen(site, "spender", made, "walled", "spending_limit_reached")
    assert site.ask("spender", PASSWORD).attributes["Mikrotik-Address-List"]
    (hold,) = site.admin.get(CUSTOMERS, f"/v1/customers/{made['id']}")["holds"]
    assert hold["reason"] == "50 BDT charged today reach the limit of 50"
    assert datetime.fromisoformat(hold["until"]) > datetime.now(UTC)

    site.admin.call(
        PAYMENTS, "POST", f"/v1/bills/{bill['id']}/void", {"reason": "slip"},
        Idempotency_Key=new_key("void"),
    )  # fmt: skip
    until_seen(site, "spender", made, "open", "active")


def policy(site: Site, reason: str, retain_days: int | None, **classes: Any) -> None:
    seen = site.admin.send(CUSTOMERS, "GET", POLICIES)
    body = {"items": [{"reason": reason, "retain_days": retain_days, **classes}]}
    site.admin.call(CUSTOMERS, "PUT", POLICIES, body, If_Match=seen.headers["ETag"])


def purge(site: Site) -> None:
    """What beat does once a day, again today."""
    site.rows("customers", "DELETE FROM tick WHERE name = 'customers.purge' RETURNING name")
    app = Celery(broker=site.redis.url)
    try:
        app.send_task("customers.purge", queue="customers", ignore_result=True)
    finally:
        app.close()


def test_a41_sessions_go_before_the_person_with_a_receipt_and_a_restore_says_so(site: Site) -> None:
    made = served(site, "leaver")
    answers = "SELECT count(*) AS n FROM radpostauth WHERE username = 'leaver'"
    until(lambda: site.rows("radius", answers)[0]["n"], SOON, "no login was noted")
    policy(site, "wrong_entry", 30, sessions_days=0)
    worker = site.roles["radius_sync-worker"]
    try:
        site.admin.delete(made["id"], "wrong_entry")
        site.until_rejected("leaver", PASSWORD)
        # Nobody hears it at first, as after a kill -9.
        worker.kill()
        purge(site)
        record = f"/v1/deleted-customers/{made['id']}"
        until(lambda: site.admin.get(CUSTOMERS, record)["sessions_erased"], SOON, "not asked for")
        worker.start()

        def proved() -> Json | None:
            found: Json | None = site.admin.get(CUSTOMERS, record)["sessions_erased"]
            return found if found and found["erased_at"] else None

        proof = until(proved, SOON, "no receipt came")
    finally:
        if not worker.running:
            worker.start()
        policy(site, "wrong_entry", 30, sessions_days=None)
    assert proof["rows"]["radpostauth"] >= 1 and len(proof["digest"]) == 64
    before = f"{answers} AND authdate < %s"
    moment = datetime.fromisoformat(proof["before"])
    assert site.rows("radius", before, moment) == [{"n": 0}]
    assert site.admin.get(CUSTOMERS, record)["username"] == "leaver", "the person stays"

    restored = site.admin.restore(made["id"])
    assert restored["integrity"]["intact"]
    assert "erased by the retention policy" in restored["integrity"]["notes"][0]
    site.admin.activate(made["id"])
    site.until_accepted("leaver", PASSWORD, SOON)


def test_a40_the_billing_of_somebody_erased_goes_later_with_a_receipt(site: Site) -> None:
    made = served(site, "debtor")
    site.admin.delete(made["id"], "operator_error")
    ended = site.admin.erase(made)
    assert ended["mode"] == "pseudonymise"
    kept = "SELECT count(*) AS n FROM payment WHERE customer_id = %s"
    assert site.rows("payments", kept, made["id"]) == [{"n": 1}]
    policy(site, "operator_error", None, billing_days=0)
    try:
        purge(site)
        place = f"/v1/erasures/{ended['id']}/subjects"
        until(
            lambda: site.admin.get(CUSTOMERS, place)["items"][0]["billing_erased_at"],
            SOON, "no receipt came",
        )  # fmt: skip
    finally:
        policy(site, "operator_error", None, billing_days=None)
    (subject,) = site.admin.get(CUSTOMERS, place)["items"]
    assert subject["billing_rows"]["payment"] == 1 and len(subject["billing_digest"]) == 64
    assert site.rows("payments", kept, made["id"]) == [{"n": 0}]
    certified = (
        "SELECT account, sum(amount) AS amount FROM erased_money WHERE customer_id = %s"
        " AND account = 'cash' GROUP BY 1"
    )
    assert site.rows("payments", certified, made["id"]) == [
        {"account": "cash", "amount": Decimal("500.0000")}
    ]
