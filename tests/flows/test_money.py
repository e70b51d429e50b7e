"""Money from one end of the site to the other: dunning, recharge cards, cash drawers (C9-C15, E1-E33)."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from celery import Celery

from payments.cards.sealed_file import opened
from tests.flows.front_end import CUSTOMERS, PAYMENTS, Json, Operator, new_key
from tests.flows.site import PATIENCE, Site
from tests.support.waiting import until

PASSWORD, PASSPHRASE = "kotha-7-bolo", "correct horse battery"
SOON = PATIENCE
LONG_AGO = (datetime.now(UTC) - timedelta(days=20)).isoformat()


def money(amount: str) -> Json:
    return {"amount": amount, "currency": "BDT"}


def post(who: Operator, path: str, body: Json) -> Json:
    done: Json = who.call(PAYMENTS, "POST", path, body, Idempotency_Key=new_key("money"))
    return done


def put(site: Site, path: str, body: Json) -> None:
    seen = site.admin.send(PAYMENTS, "GET", path)
    site.admin.call(PAYMENTS, "PUT", path, body, If_Match=seen.headers["ETag"])


def calendar(site: Site, *days: date) -> None:
    """The holidays of the site, as payments and, a moment later, customers know them."""
    named = [{"day": day.isoformat(), "name": "Eid"} for day in days]
    put(site, "/v1/holidays", {"weekend": [], "holidays": named})
    until(
        lambda: site.rows("customers", "SELECT holidays FROM calendar") == [{"holidays": [*days]}],
        SOON, "customers did not hear of the calendar",
    )  # fmt: skip


def ring(site: Site, *tasks: str) -> None:
    """What beat does, now."""
    app = Celery(broker=site.redis.url)
    try:
        for task in tasks:
            app.send_task(f"payments.{task}", queue="payments", ignore_result=True)
    finally:
        app.close()


def served(site: Site, username: str, owner: Operator | None = None) -> Json:
    """A customer with a paid package, accepted by FreeRADIUS."""
    package = site.admin.create_package(f"Package of {username}")
    who = owner or site.admin
    made = who.create_customer(username, PASSWORD, package_id=package["id"])
    who.activate(made["id"])
    site.until_accepted(username, PASSWORD, SOON)
    until(
        lambda: site.admin.balance(made["id"])["billed"]["amount"] == "500.00", SOON, "not billed"
    )
    site.admin.record_payment(made["id"], "500.00")
    return made


def change(site: Site, customer: str, **fields: Any) -> None:
    path = f"/v1/customers/{customer}"
    etag = site.admin.send(CUSTOMERS, "GET", path).headers["ETag"]
    site.admin.call(CUSTOMERS, "PATCH", path, fields, If_Match=etag)


def until_seen(site: Site, username: str, made: Json, access: str, status: str) -> None:
    """The network and the customer list say the same, each when it has heard."""
    until(
        lambda: site.admin.subscriber(username)["access"] == access, SOON, f"{username}: {access}?"
    )
    until(
        lambda: site.admin.get(CUSTOMERS, f"/v1/customers/{made['id']}")["status"] == status,
        SOON, f"{username}: {status}?",
    )  # fmt: skip


def test_c9_to_c15_from_due_to_reminder_to_suspended_to_a_promise_to_paid_to_online(
    site: Site,
) -> None:
    made = served(site, "duepayer")
    put(site, "/v1/dunning-policies/default",
        {"grace_days": 3, "promise_days": 7, "promises_a_quarter": 1, "remind_days": [19]})  # fmt: skip
    today = datetime.now(ZoneInfo("Asia/Dhaka")).date()
    # The test may run over midnight.
    calendar(site, today, today + timedelta(days=1))
    bill = site.admin.issue_bill(made["id"], "300.00", LONG_AGO)

    ring(site, "remind", "mark_overdue")
    reminders = f"/v1/reminders?customer_id={made['id']}"
    until(lambda: site.admin.get(PAYMENTS, reminders)["items"], SOON, "nobody was reminded")
    until(
        lambda: site.admin.get(PAYMENTS, f"/v1/bills/{bill['id']}")["status"] == "overdue",
        SOON, "the bill is not overdue",
    )  # fmt: skip
    assert site.admin.balance(made["id"])["overdue"] is False, "nobody is cut off on a holiday"
    assert site.admin.subscriber("duepayer")["access"] == "open"

    calendar(site)
    ring(site, "mark_overdue")
    until_seen(site, "duepayer", made, "walled", "suspended")
    assert site.ask("duepayer", PASSWORD).attributes["Mikrotik-Address-List"]

    until_day = (today + timedelta(days=3)).isoformat()
    post(
        site.admin,
        f"/v1/customers/{made['id']}/promises",
        {"until": until_day, "note": "on Sunday"},
    )
    until_seen(site, "duepayer", made, "open", "active")
    again = site.admin.send(
        PAYMENTS, "POST", f"/v1/customers/{made['id']}/promises", {"until": until_day},
        Idempotency_Key=new_key("promise"),
    )  # fmt: skip
    assert again.status_code == 409, "one promise at a time"

    site.admin.record_payment(made["id"], "300.00")
    (kept,) = site.admin.get(PAYMENTS, f"/v1/promises?customer_id={made['id']}")["items"]
    assert kept["state"] == "kept"
    assert site.admin.balance(made["id"])["outstanding"] == money("0.00")
    freed = site.ask("duepayer", PASSWORD)
    assert freed.accepted and "Mikrotik-Address-List" not in freed.attributes


def test_e8_a_recharge_card_lifts_a_suspension_once(site: Site) -> None:
    made = served(site, "cardpayer")
    pins = _cards(site, 2)
    site.admin.issue_bill(made["id"], "300.00", LONG_AGO)
    ring(site, "mark_overdue")
    until_seen(site, "cardpayer", made, "walled", "suspended")

    paid = post(site.admin, "/v1/recharge-cards/redeem", {"pin": pins[0], "username": "cardpayer"})

    assert (paid["method"], paid["amount"]) == ("recharge_card", money("300.00"))
    until_seen(site, "cardpayer", made, "open", "active")
    freed = site.ask("cardpayer", PASSWORD)
    assert freed.accepted and "Mikrotik-Address-List" not in freed.attributes
    again = site.admin.send(
        PAYMENTS, "POST", "/v1/recharge-cards/redeem", {"pin": pins[0], "username": "cardpayer"},
        Idempotency_Key=new_key("card"),
    )  # fmt: skip
    assert again.status_code == 422
    listed = site.admin.get(PAYMENTS, f"/v1/payments?customer_id={made['id']}&method=recharge_card")
    assert [one["id"] for one in listed["items"]] == [paid["id"]]


def _cards(site: Site, count: int) -> list[str]:
    """A batch that was made, opened with its passphrase and issued: the PINs."""
    expires = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    asked = post(site.admin, "/v1/recharge-cards", {
        "count": count, "value": money("300.00"), "expires_at": expires, "passphrase": PASSPHRASE,
    })  # fmt: skip
    site.admin.wait_for_job(PAYMENTS, asked["id"])
    place = f"/v1/recharge-cards/batches/{asked['batch_id']}/file"
    sealed = site.admin.send(PAYMENTS, "GET", place).content
    table = b"".join(opened(io.BytesIO(sealed), PASSPHRASE)).decode().splitlines()
    issued = post(site.admin, "/v1/recharge-cards/issue", {"batch_id": asked["batch_id"]})
    site.admin.wait_for_job(PAYMENTS, issued["id"])
    return [line.split(",")[1] for line in table[1:]]


def test_e10_a_cashier_opens_a_shift_collects_hands_over_and_closes(site: Site) -> None:
    cashier = site.admin.create_operator("cashier")
    made = served(site, "cashpayer", cashier)
    shift = post(cashier, "/v1/cash-shifts", {"counted": money("0.00")})
    site.admin.issue_bill(made["id"], "300.00", LONG_AGO)
    ring(site, "mark_overdue")
    until_seen(site, "cashpayer", made, "walled", "suspended")

    paid = cashier.record_payment(made["id"], "300.00")

    assert paid["operator_name"] == "Cashier"
    until_seen(site, "cashpayer", made, "open", "active")
    assert _drawer(cashier) == money("300.00")
    given = post(cashier, "/v1/cash-hand-overs", {"amount": money("200.00")})
    post(site.admin, f"/v1/cash-hand-overs/{given['id']}/accept", {})
    assert _drawer(cashier) == money("100.00")
    closed = post(cashier, f"/v1/cash-shifts/{shift['id']}/close",
                  {"counted": money("95.00"), "note": "a torn note"})  # fmt: skip
    assert (closed["closing_expected"], closed["closing_counted"]) == (
        money("100.00"),
        money("95.00"),
    )
    assert _drawer(cashier) == money("95.00")


def _drawer(who: Operator) -> Any:
    """What the operator's own drawer holds."""
    me = who.get(CUSTOMERS, "/v1/me")["id"]
    drawers = who.get(PAYMENTS, "/v1/cash-drawers")["items"]
    return next(one["balance"] for one in drawers if one["operator_id"] == me)


def test_e25_a_period_billed_early_and_paid_is_served_though_no_funds_are_left(site: Site) -> None:
    made = served(site, "aheadpayer")
    (soon,) = site.rows(
        "customers", "UPDATE customer SET expires_at = now() + interval '30 minutes' WHERE id = %s"
        " RETURNING expires_at, expires_at + interval '30 days' AS next", made["id"],
    )  # fmt: skip
    change(site, made["id"], address="Road 7")
    fact = "SELECT FROM customer_fact WHERE id = %s AND expires_at = %s"
    until(lambda: site.rows("payments", fact, made["id"], soon["expires_at"]), SOON, "not heard")

    ring(site, "announce")
    listed = f"/v1/proforma-bills?state=open&customer_id={made['id']}"
    (one,) = until(lambda: site.admin.get(PAYMENTS, listed)["items"], SOON, "not announced")
    post(site.admin, f"/v1/proforma-bills/{one['id']}/issue", {})
    for part in ("200.00", "300.00"):
        site.admin.record_payment(made["id"], part)
    assert site.admin.balance(made["id"])["available_funds"]["amount"] == "0.00"

    renewed = "SELECT FROM customer_fact WHERE id = %s AND activated AND expires_at = %s"
    until(lambda: site.rows("payments", renewed, made["id"], soon["next"]), SOON, "not renewed")
    bills = site.admin.get(PAYMENTS, f"/v1/bills?customer_id={made['id']}")["items"]
    assert [bill["status"] for bill in bills] == ["paid", "paid"], "the period is billed once"
    assert site.admin.subscriber("aheadpayer")["access"] == "open"


def test_e25_another_package_gives_back_what_was_paid_early_for_the_old_one(site: Site) -> None:
    made = served(site, "upgrader")
    # Too far ahead for a renewal: what is seen here is what both services say of the money.
    (soon,) = site.rows(
        "customers", "UPDATE customer SET expires_at = now() + interval '1 day' WHERE id = %s"
        " RETURNING expires_at", made["id"],
    )  # fmt: skip
    change(site, made["id"], address="Road 7")
    fact = "SELECT FROM customer_fact WHERE id = %s AND expires_at = %s"
    until(lambda: site.rows("payments", fact, made["id"], soon["expires_at"]), SOON, "not heard")
    listed = f"/v1/proforma-bills?state=open&customer_id={made['id']}"
    ring(site, "announce")
    (one,) = until(lambda: site.admin.get(PAYMENTS, listed)["items"], SOON, "not announced")
    post(site.admin, f"/v1/proforma-bills/{one['id']}/issue", {})
    for part in ("200.00", "300.00"):
        site.admin.record_payment(made["id"], part)
    known = "SELECT %s = ANY(paid_periods) AS paid, available_funds FROM customer WHERE id = %s"

    def told() -> tuple[bool, int]:
        (row,) = site.rows("customers", known, soon["expires_at"], made["id"])
        return row["paid"], int(row["available_funds"])

    until(lambda: told() == (True, 0), SOON, "not told as paid")
    dear = site.admin.create_package("Dearer", price=money("900.00"))
    change(site, made["id"], package_id=dear["id"])

    until(lambda: told() == (False, 500), SOON, "the money is not there again")
    ring(site, "announce")
    (again,) = until(lambda: site.admin.get(PAYMENTS, listed)["items"], SOON, "not announced anew")
    assert again["total"] == money("900.00")
