"""Stripe Checkout over plain HTTP (docs.stripe.com/api; webhooks: docs.stripe.com/webhooks).

Events come unordered and more than once, so an event only says which session to fetch.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from payments.gateways import stripe_objects
from payments.gateways.calling import Answer, Caller, text
from payments.gateways.checkout import Opened, Order
from payments.gateways.configuration import StripeSettings
from payments.gateways.interface import (
    Clue,
    Declined,
    Delivery,
    Forged,
    Found,
    GivenBack,
    Notice,
    Refunded,
    RefundOrder,
    Unreachable,
    Unreadable,
)
from payments.gateways.stripe_vault import GONE, StripeVault

EXPAND, CHARGE = {"expand[]": "payment_intent.latest_charge"}, {"expand[]": "latest_charge"}
# charge.refunded, charge.refund.updated, refund.created, charge.dispute.closed and their like.
RETURNS = ("charge.refund", "refund.", "charge.dispute.")


class Stripe:
    name, title = "stripe", "Stripe"
    signs, refunds = True, True

    def __init__(self, settings: StripeSettings) -> None:
        self.settings = settings
        self.caller = Caller()
        self.vault = StripeVault(self._call)

    def check(self, amount: Decimal, currency: str) -> None:
        stripe_objects.minor(amount, currency)

    def open(self, order: Order) -> Opened:
        made = self._call("POST", "checkout/sessions", key=f"open-{order.intent_id}", form={
            "mode": "payment", "client_reference_id": order.reference,
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": order.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(stripe_objects.minor(order.amount, order.currency)),
            "line_items[0][price_data][product_data][name]": "Internet",
            "metadata[reference]": order.reference,
            "payment_intent_data[metadata][reference]": order.reference,
            "success_url": order.return_url, "cancel_url": order.return_url,
            "expires_at": str(int(order.expires_at.timestamp())),
        })  # fmt: skip
        if not made.get("id") or not made.get("url"):
            raise Unreachable("a session without url")
        return Opened(session=str(made["id"]), redirect_url=str(made["url"]))

    def find(self, clue: Clue) -> Found:
        session = clue.session
        if session is None and clue.transaction is not None:
            listed = self._call(
                "GET",
                "checkout/sessions",
                params={"payment_intent": clue.transaction, "limit": "1"},
            ).get("data")
            # Without a checkout, it was taken by a stored method, or is none of ours.
            session = listed[0]["id"] if isinstance(listed, list) and listed else clue.transaction
        if session is None:
            return Found(state="pending")
        if session.startswith("pi_"):
            return self._taken(session)
        return stripe_objects.payment(
            self._call("GET", f"checkout/sessions/{session}", params=EXPAND)
        )

    def _taken(self, intent: str) -> Found:
        try:
            found = self._call("GET", f"payment_intents/{intent}", params=CHARGE)
        except Declined as error:
            if error.code != GONE:
                raise
            return Found(state="pending")
        return stripe_objects.taken(found)

    # ---------------------------------------------------------------- deliveries
    def verify(self, delivery: Delivery) -> None:
        """`t` and every `v1` of Stripe-Signature over the raw body, by each secret in rotation."""
        parts = [part.partition("=") for part in
                 delivery.headers.get("stripe-signature", "").split(",")]  # fmt: skip
        stamp = next((value for name, _, value in parts if name.strip() == "t"), "")
        signatures = [value for name, _, value in parts if name.strip() == "v1"]
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 13) or not signatures:
            raise Forged("not signed")
        if abs(delivery.received_at.timestamp() - int(stamp)) > int(
            self.settings.tolerance_seconds
        ):
            raise Forged("signed at another time")
        signed = stamp.encode() + b"." + delivery.body
        for secret in self.settings.webhook_secrets.split(","):
            expected = hmac.new(secret.strip().encode(), signed, hashlib.sha256).hexdigest()
            if any(hmac.compare_digest(expected.encode(), one.encode()) for one in signatures):
                return
        raise Forged("bad signature")

    def read(self, delivery: Delivery) -> Notice:
        try:
            event = json.loads(delivery.body)
            event_id, kind, about = text(event["id"]), str(event["type"]), event["data"]["object"]
            named, metadata = text(about["id"]), about.get("metadata") or {}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Unreadable("not an event of Stripe") from error
        reference = text(metadata.get("reference") if isinstance(metadata, dict) else None)
        if kind == "checkout.session.completed" and about.get("mode") == "setup":
            return Notice(about="method", event_id=event_id, clue=Clue(session=named))
        if kind in ("checkout.session.completed", "checkout.session.async_payment_succeeded"):
            clue = Clue(session=named, reference=reference)
        elif kind == "payment_intent.succeeded":
            clue = Clue(transaction=named, reference=reference)
        elif kind.startswith(RETURNS) and text(about.get("payment_intent")):
            clue = Clue(transaction=text(about["payment_intent"]))
            return Notice(about="return", event_id=event_id, clue=clue)
        else:
            return Notice(about="nothing", event_id=event_id)
        return Notice(about="payment", event_id=event_id, clue=clue)

    def confirm(self, delivery: Delivery) -> None:
        raise Unreadable("Stripe has no subscriptions")

    # ---------------------------------------------------------------- giving back
    def refund(self, order: RefundOrder) -> Refunded:
        if order.gateway_reference is not None:
            return stripe_objects.refunded(self._call("GET", f"refunds/{order.gateway_reference}"))
        try:
            return stripe_objects.refunded(self._call("POST", "refunds", key=f"refund-{order.id}", form={
                "payment_intent": order.transaction,
                "amount": str(stripe_objects.minor(order.amount, order.currency)),
                "metadata[refund_id]": str(order.id),
            }))  # fmt: skip
        except Declined as error:
            return Refunded(state="failed", error=str(error))

    def given_back(self, clue: Clue) -> list[GivenBack]:
        if clue.transaction is None:
            return []
        asked = {"payment_intent": clue.transaction, "limit": "100"}
        refunds = self._call("GET", "refunds", params=asked).get("data")
        disputes = self._call("GET", "disputes", params=asked).get("data")
        if not isinstance(refunds, list) or not isinstance(disputes, list):
            raise Unreachable("a list without data")
        return [*map(stripe_objects.refund, refunds), *map(stripe_objects.dispute, disputes)]

    def _call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        headers = {"Stripe-Version": self.settings.api_version}
        if key is not None:
            headers["Idempotency-Key"] = key
        answer = self.caller.call(
            method, f"{self.settings.base_url}/v1/{path}", headers=headers, form=form,
            params=params, auth=(self.settings.secret_key, ""),
        )  # fmt: skip
        return _accepted(answer)


def _accepted(answer: Answer) -> dict[str, Any]:
    found = answer.json
    if answer.status < 400:
        return found
    error = found.get("error") if isinstance(found.get("error"), dict) else {}
    assert isinstance(error, dict)
    code = text(error.get("code") or error.get("type")) or str(answer.status)
    if answer.status in (401, 403, 409):
        # Our key, or the same call still under way: neither says anything of the payment.
        raise Unreachable(f"HTTP {answer.status} {code}: look at STRIPE_SECRET_KEY")
    raise Declined(code, str(error.get("message") or ""))
