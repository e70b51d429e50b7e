"""Stripe's stored cards: customers, Checkout in setup mode, payment intents off session."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.gateways.server import Request, Response

if TYPE_CHECKING:
    from tests.support.gateways.stripe import FakeStripe


def error(code: str, message: str, status: int) -> Response:
    return Response({"error": {"code": code, "message": message}}, status)


@dataclass
class StoredCards:
    """`refusal`: the bank's code for every charge from now on, as `card_declined`."""

    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    # By payment method: whose it is.
    cards: dict[str, str] = field(default_factory=dict)
    refusal: str | None = None

    # ---------------------------------------------------------------- the payer
    def store(self, stripe: FakeStripe, redirect_url: str) -> dict[str, Any]:
        """The payer types a card in on the page; the session is complete."""
        session = self.sessions[redirect_url.rpartition("/")[2]]
        card = f"pm_{next(stripe.numbers):010d}"
        self.cards[card] = session["customer"]
        session["setup_intent"] = {
            "id": f"seti_{card}", "object": "setup_intent", "status": "succeeded",
            "payment_method": {"id": card, "card": {"brand": "visa", "last4": "4242"}},
        }  # fmt: skip
        session["status"] = "complete"
        return session

    # ---------------------------------------------------------------- the API
    def open(self, stripe: FakeStripe, form: dict[str, str]) -> Response:
        if form["customer"] not in self.customers:
            return error("resource_missing", "No such customer", 404)
        assert form["payment_method_types[0]"] == "card"
        number = f"cs_test_{next(stripe.numbers):010d}"
        self.sessions[number] = {
            "id": number, "object": "checkout.session", "mode": "setup", "status": "open",
            "customer": form["customer"], "client_reference_id": form["client_reference_id"],
            "setup_intent": {"id": f"seti_{number}", "status": "requires_payment_method"},
            "payment_status": "no_payment_required", "url": f"{stripe.url}/setup/{number}",
        }  # fmt: skip
        return Response(self.sessions[number])

    def session(self, number: str, expand: str) -> Response:
        """Nested objects are ids unless they are asked for."""
        found = self.sessions[number]
        if expand != "setup_intent.payment_method":
            return Response({**found, "setup_intent": found["setup_intent"]["id"]})
        return Response(found)

    def answer(self, stripe: FakeStripe, request: Request) -> Response:
        match (request.method, request.path.removeprefix("/v1/").split("/")):
            case ("POST", ["customers"]):
                number = f"cus_{next(stripe.numbers):010d}"
                self.customers[number] = {"id": number, "object": "customer", **request.form}
                return Response(self.customers[number])
            case ("DELETE", ["customers", number]) if number in self.customers:
                del self.customers[number]
                self.cards = {card: of for card, of in self.cards.items() if of != number}
                return Response({"id": number, "object": "customer", "deleted": True})
            case ("POST", ["payment_intents"]):
                return self._charge(stripe, request.form)
            case ("GET", ["payment_intents"]):
                of = request.query["customer"]
                found = [one for one in stripe.intents.values() if one.get("customer") == of]
                return Response({"object": "list", "data": found})
            case ("GET", ["payment_intents", number]) if number in stripe.intents:
                return Response(stripe.intents[number])
        return error("resource_missing", "No such object", 404)

    def _charge(self, stripe: FakeStripe, form: dict[str, str]) -> Response:
        if self.cards.get(form["payment_method"]) != form["customer"]:
            return error("resource_missing", "No such PaymentMethod", 400)
        assert (form["off_session"], form["confirm"]) == ("true", "true")
        number = f"pi_{next(stripe.numbers):010d}"
        made: dict[str, Any] = {
            "id": number, "object": "payment_intent", "customer": form["customer"],
            "amount": int(form["amount"]), "amount_received": 0, "currency": form["currency"],
            "metadata": {"reference": form["metadata[reference]"]},
        }  # fmt: skip
        stripe.intents[number] = made
        if self.refusal is not None:
            refused = {"code": self.refusal, "message": "Your card was declined."}
            made |= {"status": "requires_payment_method", "last_payment_error": refused}
            return Response({"error": {**refused, "payment_intent": made}}, 402)
        made |= {
            "status": "succeeded", "amount_received": made["amount"],
            "latest_charge": {"id": f"ch_{number}", "created": int(time.time()),
                              "outcome": {"risk_level": stripe.risk}},
        }  # fmt: skip
        return Response(made)
