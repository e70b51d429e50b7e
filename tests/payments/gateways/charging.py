"""What tests of automatic payments need: customers who agreed to them, and the day of the next one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.payments.gateways.till import Json, Till
from tests.payments.stage import Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.stripe import FakeStripe


def with_card(till: Till, stripe: FakeStripe, **more: Any) -> tuple[UUID, Json]:
    customer = till.stage.customer(**{"auto_payment": True, **more})
    method = till.store(customer)
    stripe.vault.store(stripe, method["redirect_url"])
    assert till.stored(method) == "active"
    return customer, method


def with_wallet(till: Till, bkash: FakeBkash) -> UUID:
    customer = till.stage.customer(auto_payment=True)
    method = till.store(customer, "bkash")
    bkash.pay(method["redirect_url"])
    assert till.stored(method) == "active"
    return customer


def next_day(stage: Stage) -> None:
    stage.rows(
        "UPDATE payment_method SET next_charge_at = now() WHERE next_charge_at IS NOT NULL RETURNING 1"
    )


def charges(stripe: FakeStripe) -> list[Any]:
    return [one for one in stripe.intents.values() if "customer" in one]
