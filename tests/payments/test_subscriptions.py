"""What payments hears: newer wins, order and doubles do not matter, every event has a handler."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from uuid_utils.compat import uuid7

from payments.subscriptions import SUBSCRIPTIONS
from shared.events import (
    ApiKeyChanged,
    CustomerCreated,
    CustomerDeleted,
    CustomerUpdated,
    OperatorChanged,
)
from tests.payments.stage import NORTH, SOUTH, Stage


def test_every_event_that_payments_should_hear_has_a_handler() -> None:
    assert set(SUBSCRIPTIONS.handlers) == SUBSCRIPTIONS.expected


def test_the_newest_fact_wins_in_whatever_order_events_come(stage: Stage) -> None:
    customer = stage.customer("First")
    second = stage.event(CustomerUpdated, customer, name="Second", phone=None)
    third = stage.event(CustomerDeleted, customer, name="Third", standing="deleted")

    stage.hear(third, second, third)
    stage.hear(second)

    assert stage.rows("SELECT name, standing, version, phone FROM customer_fact") == [
        ("Third", "deleted", 3, None)
    ]


def test_one_statement_takes_a_batch_of_many_customers(stage: Stage) -> None:
    first = stage.customer()
    facts = stage.facts[first][1]
    events = [
        CustomerCreated(
            subject=uuid7(), sequence=1, operator_path=NORTH,
            customer=replace(facts, username=f"user{n}", credit_limit=Decimal("1000.50")),
        )
        for n in range(500)
    ]  # fmt: skip

    stage.hear(*events)

    assert stage.rows("SELECT count(*), max(credit_limit) FROM customer_fact") == [
        (501, Decimal("1000.50"))
    ]
    assert stage.rows("SELECT count(*) FROM account") == [(501,)]


def test_a_customer_who_moves_to_another_operator_takes_the_books_along(stage: Stage) -> None:
    customer = stage.customer(path=NORTH)
    stage.bill(customer, "900.00")
    stage.paid(customer)

    stage.update(customer, operator_path=SOUTH)

    assert stage.get("/v1/payments", NORTH, "reseller").json["items"] == []  # type: ignore[index]
    assert len(stage.get("/v1/payments", SOUTH, "reseller").json["items"]) == 1  # type: ignore[index]
    assert len(stage.get("/v1/bills", SOUTH, "reseller").json["items"]) == 1  # type: ignore[index]
    assert stage.get(f"/v1/customers/{customer}/balance", NORTH, "reseller").status_code == 404
    assert stage.get(f"/v1/customers/{customer}/statement", SOUTH, "reseller").status_code == 200


def test_operators_and_api_keys_are_kept_by_version_and_a_revoked_key_opens_nothing(
    stage: Stage,
) -> None:
    import hashlib

    key, secret = uuid7(), "tnr_test_key_of_north"
    operator = OperatorChanged(
        subject=UUID(int=2), sequence=2, operator_path=NORTH, username="north", name="North Net",
        role="reseller", parent_id=UUID(int=1), active=True, holds=("reseller",),
    )  # fmt: skip
    issued = ApiKeyChanged(
        subject=key, sequence=1, operator_path=NORTH, operator_id=UUID(int=2),
        operator_username="north", role="reseller",
        digest=hashlib.sha256(secret.encode()).hexdigest(), scopes=("payments.read",),
        expires_at=None, revoked=False,
    )  # fmt: skip
    stage.hear(operator, replace(operator, sequence=1, name="Old Name"), issued)
    headers = {"Authorization": f"Bearer {secret}"}

    assert stage.rows("SELECT name, holds FROM operator_fact") == [("North Net", ["reseller"])]
    assert stage.client.get("/v1/payments", headers=headers).status_code == 200
    assert stage.client.get("/v1/bills", headers=headers).status_code == 403, "not in its scopes"

    stage.hear(replace(issued, sequence=2, revoked=True))
    stage.hear(issued)

    assert stage.client.get("/v1/payments", headers=headers).status_code == 401
