"""Cards kept at Stripe (docs.stripe.com/payments/save-and-reuse): Checkout in setup mode, then payment
intents off session.

Each stored method has a Stripe customer of its own, with nothing in it but our number: who deletes that
customer deletes the card.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from payments.gateways import stripe_objects
from payments.gateways.calling import text
from payments.gateways.checkout import Opened, Order
from payments.gateways.interface import Declined, Unreachable
from payments.gateways.vault import Enrolled, Enrolment, Method

Call = Callable[..., dict[str, Any]]
GONE = "resource_missing"
SETUP = {"expand[]": "setup_intent.payment_method"}


class StripeVault:
    def __init__(self, call: Call) -> None:
        self.call = call

    def enrol(self, enrolment: Enrolment) -> Opened:
        payer = self.call("POST", "customers", key=f"payer-{enrolment.id}",
                          form={"metadata[reference]": enrolment.reference}).get("id")  # fmt: skip
        made = self.call("POST", "checkout/sessions", key=f"enrol-{enrolment.id}", form={
            "mode": "setup", "customer": str(payer), "client_reference_id": enrolment.reference,
            # A card says at once whether it pays; a bank's debit says so days later.
            "payment_method_types[0]": "card",
            "success_url": enrolment.return_url, "cancel_url": enrolment.return_url,
            "expires_at": str(int(enrolment.expires_at.timestamp())),
        })  # fmt: skip
        if not payer or not made.get("id") or not made.get("url"):
            raise Unreachable("a session without url")
        return Opened(session=str(made["id"]), redirect_url=str(made["url"]), payer=str(payer))

    def enrolled(self, session: str) -> Enrolled:
        found = self.call("GET", f"checkout/sessions/{session}", params=SETUP)
        intent = found.get("setup_intent")
        if found.get("status") == "expired":
            return Enrolled(state="failed", failure="the payer let the page expire")
        if not isinstance(intent, dict) or intent.get("status") != "succeeded":
            return Enrolled(state="pending")
        kept, payer = intent.get("payment_method"), text(found.get("customer"))
        if not isinstance(kept, dict) or not text(kept.get("id")) or payer is None:
            raise Unreachable("a finished setup without its method")
        card = kept.get("card")
        shown = f"{card.get('brand')} {card.get('last4')}" if isinstance(card, dict) else None
        method = Method(payer=payer, token=text(kept["id"]), label=text(shown))
        return Enrolled(state="active", method=method)

    def charge(self, order: Order, method: Method) -> Opened:
        made = self.call("POST", "payment_intents", key=f"charge-{order.intent_id}", form={
            "amount": str(stripe_objects.minor(order.amount, order.currency)),
            "currency": order.currency.lower(), "customer": str(method.payer),
            "payment_method": str(method.token), "payment_method_types[0]": "card",
            "off_session": "true", "confirm": "true", "metadata[reference]": order.reference,
        })  # fmt: skip
        if not made.get("id"):
            raise Unreachable("a payment intent without id")
        return Opened(session=str(made["id"]), redirect_url=None)

    def charged(self, order: Order, method: Method) -> str | None:
        """Among the newest of this payer's, whose number is small: one for each attempt."""
        listed = self.call("GET", "payment_intents",
                           params={"customer": str(method.payer), "limit": "100"}).get("data")  # fmt: skip
        if not isinstance(listed, list):
            raise Unreachable("a list without data")
        mine = (one for one in listed if stripe_objects.reference(one) == order.reference)
        return next((text(one.get("id")) for one in mine), None)

    def forget(self, method: Method) -> None:
        try:
            self.call("DELETE", f"customers/{method.payer}")
        except Declined as error:
            if error.code != GONE:
                raise
