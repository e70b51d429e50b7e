"""Webhooks out: signed as Standard Webhooks says, at least once, within the branch, and never inwards."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from customers.webhooks import signing
from customers.webhooks.delivering import SCHEDULE, deliver_due, forget_old
from customers.webhooks.fanning import fan_out
from shared.database import Database
from shared.events import PaymentRecorded
from shared.outbox import publish
from tests.customers.conftest import Caller, Site
from tests.customers.erasing import erase
from tests.customers.neighbour import NOWHERE, neighbour
from tests.customers.receiver import Receiver

PLACE = "/v1/webhook-endpoints"


@pytest.fixture
def receiver(site: Site) -> Iterator[Receiver]:
    object.__setattr__(site.settings, "webhooks_private", True)
    made = Receiver()
    yield made
    made.stop()


def listen(caller: Caller, receiver: Receiver, *types: str) -> dict[str, Any]:
    answer = caller.post(PLACE, {"url": receiver.url, "types": list(types)})
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def send(site: Site) -> None:
    fan_out(site.database, site.settings, "customers")
    deliver_due(site.database, site.settings)


def deliveries(caller: Caller, hook: dict[str, Any], query: str = "") -> list[Any]:
    answer = caller.get(f"{PLACE}/{hook['id']}/deliveries?{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["items"])


def due_now(site: Site) -> None:
    """What only time brings."""
    site.change("UPDATE webhook_delivery SET due_at = now() WHERE state = 'due'")
    site.change("UPDATE webhook_endpoint SET resting_until = now()")


def test_an_event_is_sent_once_signed_and_without_the_sealed_password(
    site: Site, receiver: Receiver
) -> None:
    site.customer("before")
    hook = listen(site.admin, receiver)
    made = site.customer("rahim")
    send(site)
    send(site)
    (message,) = receiver.messages
    assert message.signed_with(hook["secret"]) and not message.signed_with(signing.new_secret())
    (told,) = site.events(made["id"])
    assert message.headers["webhook-id"] == message.event["id"] == str(told.id)
    assert message.headers["content-type"] == "application/cloudevents+json"
    assert message.event["type"] == "customer.created" and message.event["subject"] == made["id"]
    assert message.event["data"]["customer"]["username"] == "rahim"
    assert "password" not in message.event["data"]["customer"]
    (row,) = deliveries(site.admin, hook)
    assert (row["state"], row["attempts"], row["last_status"]) == ("delivered", 1, 204)
    assert "secret" not in site.admin.get(f"{PLACE}/{hook['id']}").get_json()
    stored = site.one("SELECT secret_sealed FROM webhook_endpoint").secret_sealed
    assert stored.startswith("v1:") and hook["secret"] not in stored


def test_an_endpoint_hears_the_types_and_the_branch_it_may(site: Site, receiver: Receiver) -> None:
    north, south = site.operator("boss", "manager"), site.operator("else", "manager")
    listen(north, receiver, "customer.deleted")
    own, foreign = site.customer("own", north), site.customer("foreign", south)
    for one in (own, foreign):
        site.admin.post(f"/v1/customers/{one['id']}/delete", {"reason": "test_account"})
    send(site)
    (message,) = receiver.messages
    assert (message.event["type"], message.event["subject"]) == ("customer.deleted", own["id"])
    site.admin.patch(f"/v1/operators/{north.id}", {"status": "disabled"})
    other = site.customer("later", site.operator("below", "reseller"))
    assert other["id"]
    again = site.customer("more", site.admin, operator_id=str(north.id))
    site.admin.post(f"/v1/customers/{again['id']}/delete", {"reason": "test_account"})
    send(site)
    assert len(receiver.messages) == 1


def test_a_failure_is_tried_again_by_the_schedule_then_given_up_and_replayed(
    site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than any test: nothing is due but by `due_now`.
    monkeypatch.setattr("customers.webhooks.delivering.REST_SECONDS", 600)
    hook = listen(site.admin, receiver, "customer.created")
    receiver.status = 500
    site.customer("rahim")
    send(site)
    (row,) = deliveries(site.admin, hook)
    assert (row["state"], row["last_status"], row["attempts"]) == ("due", 500, 1)
    send(site)
    assert len(receiver.messages) == 1  # it rests, and is not hammered
    for _ in SCHEDULE:
        due_now(site)
        deliver_due(site.database, site.settings)
    (row,) = deliveries(site.admin, hook, "state=dead")
    assert row["attempts"] == 1 + len(SCHEDULE) == len(receiver.messages)
    assert len({message.headers["webhook-id"] for message in receiver.messages}) == 1

    receiver.status = 200
    place = f"{PLACE}/{hook['id']}/replay"
    nothing = site.admin.post(place, {"to": "2020-01-01T00:00:00Z"})
    assert nothing.get_json() == {"replayed": 0}
    assert site.admin.post(place, {"from": "2020-01-01T00:00:00Z"}).get_json() == {"replayed": 1}
    due_now(site)
    deliver_due(site.database, site.settings)
    (row,) = deliveries(site.admin, hook)
    assert row["state"] == "delivered"
    assert site.one("SELECT failures FROM webhook_endpoint").failures == 0
    assert site.admin.post(place, {"states": ["delivered"], "ids": [row["id"]]}).get_json() == {
        "replayed": 1
    }


def test_an_endpoint_that_takes_nothing_for_days_is_disabled_and_woken_by_hand(
    site: Site, receiver: Receiver
) -> None:
    hook = listen(site.admin, receiver, "customer.created")
    receiver.status = 503
    site.customer("rahim")
    send(site)
    site.change("UPDATE webhook_endpoint SET failing_since = now() - interval '6 days'")
    due_now(site)
    deliver_due(site.database, site.settings)
    place = f"{PLACE}/{hook['id']}"
    assert site.admin.get(place).get_json()["state"] == "disabled"
    logged = site.one("SELECT * FROM operation WHERE action = 'webhook_endpoint.disabled'")
    assert str(logged.subject) == hook["id"] and logged.actor == "system"
    receiver.status = 200
    site.customer("unheard")
    due_now(site)
    send(site)
    assert len(receiver.messages) == 2
    woken = site.admin.patch(place, {"active": True})
    assert woken.get_json()["state"] == "active"
    send(site)
    due_now(site)
    deliver_due(site.database, site.settings)
    assert [row["state"] for row in deliveries(site.admin, hook)] == ["delivered"]


def test_410_ends_an_endpoint_at_once(site: Site, receiver: Receiver) -> None:
    hook = listen(site.admin, receiver, "customer.created")
    receiver.status = 410
    site.customer("rahim")
    send(site)
    assert site.admin.get(f"{PLACE}/{hook['id']}").get_json()["state"] == "disabled"


def test_a_rotated_secret_signs_beside_the_one_before_for_a_day(
    site: Site, receiver: Receiver
) -> None:
    hook = listen(site.admin, receiver, "customer.created")
    rotated = site.admin.bulk(f"{PLACE}/{hook['id']}/rotate-secret", {}).get_json()
    assert rotated["secret"] != hook["secret"]
    assert "secret" not in site.one("SELECT body FROM idempotency").body
    site.customer("rahim")
    send(site)
    assert receiver.messages[0].signed_with(hook["secret"])
    assert receiver.messages[0].signed_with(rotated["secret"])
    site.change("UPDATE webhook_endpoint SET previous_until = now()")
    site.customer("karim")
    send(site)
    assert not receiver.messages[1].signed_with(hook["secret"])
    assert receiver.messages[1].signed_with(rotated["secret"])


def test_a_ping_tells_what_came_of_it(site: Site, receiver: Receiver) -> None:
    hook = listen(site.admin, receiver)
    place = f"{PLACE}/{hook['id']}/ping"
    assert site.admin.post(place).get_json() == {"delivered": True, "status": 204, "error": None}
    assert receiver.types == ["webhook.ping"] and receiver.messages[0].signed_with(hook["secret"])
    receiver.status = 500
    assert site.admin.post(place).get_json() == {"delivered": False, "status": 500, "error": None}


def test_a_redirect_is_not_followed(site: Site, receiver: Receiver) -> None:
    receiver.status, receiver.location = 307, receiver.url
    hook = listen(site.admin, receiver)
    answer = site.admin.post(f"{PLACE}/{hook['id']}/ping").get_json()
    assert answer["status"] == 307 and not answer["delivered"]
    assert len(receiver.messages) == 1


def test_an_erasure_takes_what_was_not_sent_yet_and_is_itself_told_of(
    site: Site, receiver: Receiver
) -> None:
    """A37: no copy of the person waits in a queue."""
    hook = listen(site.admin, receiver)
    made = site.deleted("vexworth")
    fan_out(site.database, site.settings, "customers")
    assert len(deliveries(site.admin, hook)) == 2
    erase(site, made)
    send(site)
    assert {"customer.erasing"} <= set(receiver.types)
    assert not {"customer.created", "customer.deleted"} & set(receiver.types)
    assert all(b"vexworth" not in message.body for message in receiver.messages)


def test_an_event_erased_between_row_and_sending_is_gone(site: Site, receiver: Receiver) -> None:
    hook = listen(site.admin, receiver, "customer.created")
    site.customer("rahim")
    fan_out(site.database, site.settings, "customers")
    site.change("DELETE FROM outbox WHERE type = 'customer.created'")
    deliver_due(site.database, site.settings)
    (row,) = deliveries(site.admin, hook)
    assert row["state"] == "gone" and receiver.messages == []


def test_old_deliveries_are_forgotten_and_due_ones_are_not(site: Site, receiver: Receiver) -> None:
    hook = listen(site.admin, receiver, "customer.created")
    site.customer("rahim")
    send(site)
    site.customer("karim")
    fan_out(site.database, site.settings, "customers")
    site.change("UPDATE webhook_delivery SET last_at = now() - interval '31 days'")
    with site.database.transaction() as session:
        assert forget_old(session) == 1
    assert [row["state"] for row in deliveries(site.admin, hook)] == ["due"]


def test_endpoints_are_of_the_branch_and_of_who_may_read_events(site: Site) -> None:
    boss, other = site.operator("boss", "manager"), site.operator("other", "manager")
    hook: Any = boss.post(PLACE, {"url": "https://example.org/hook"}).get_json()
    place = f"{PLACE}/{hook['id']}"
    assert other.get(PLACE).get_json()["items"] == []
    for method, url, body in (
        ("GET", place, None), ("PATCH", place, {"active": False}), ("DELETE", place, None),
        ("POST", f"{place}/ping", {}), ("POST", f"{place}/replay", {}),
        ("POST", f"{place}/rotate-secret", {}), ("GET", f"{place}/deliveries", None),
    ):  # fmt: skip
        assert other.call(method, url, body, If_Match="*").status_code == 404, url
    assert site.operator("north").get(PLACE).status_code == 403
    key = site.admin.post(
        f"/v1/operators/{boss.id}/api-keys", {"name": "k", "scopes": ["webhooks.write"]}
    ).get_json()["key"]
    boss.token = key
    assert boss.post(PLACE, {"url": "https://example.org/hook"}).status_code == 403
    assert site.admin.delete(place, If_Match='"1"').status_code == 204
    assert site.admin.get(place).status_code == 404


@pytest.fixture
def payments(site: Site, postgres: str, redis_url: str, tmp_path: Path) -> Iterator[Database]:
    """A service of that name with a feed as every service has it; radius-sync is away."""
    with neighbour(site, postgres, redis_url, tmp_path, "payments") as opened:
        yield opened


def test_events_of_payments_are_sent_too_and_wait_while_payments_is_away(
    site: Site, receiver: Receiver, payments: Database
) -> None:
    urls = site.settings.urls
    hook = listen(site.admin, receiver, "payment.recorded")
    made = UUID(site.customer("rahim")["id"])
    paid = PaymentRecorded(
        subject=made, sequence=1, operator_path="1/", payment_id=made, amount=Decimal("500.00"),
        currency="BDT", method="cash",
    )  # fmt: skip
    with payments.transaction() as session:
        publish(session, paid)
    assert fan_out(site.database, site.settings, "payments") == 1

    object.__setattr__(site.settings, "urls", {**urls, "payments": NOWHERE})
    deliver_due(site.database, site.settings)
    (row,) = deliveries(site.admin, hook)
    assert (row["state"], row["attempts"]) == ("due", 0) and receiver.messages == []
    object.__setattr__(site.settings, "urls", urls)
    due_now(site)
    deliver_due(site.database, site.settings)
    (message,) = receiver.messages
    assert message.event["data"]["amount"] == "500.00" and message.event["source"] == "/payments"
    assert fan_out(site.database, site.settings, "payments") == 0
