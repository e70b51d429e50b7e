"""Stripe as Checkout, its events, its refunds and its stored cards behave."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

from tests.support.gateways.server import FakeGateway, Request, Response
from tests.support.gateways.stripe_cards import StoredCards, error

SECRET_KEY, WEBHOOK_SECRET = "sk_test_of_the_fake", "whsec_of_the_fake"


@dataclass
class FakeStripe(FakeGateway):
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    disputes: dict[str, dict[str, Any]] = field(default_factory=dict)
    vault: StoredCards = field(default_factory=StoredCards)
    # What was answered to an Idempotency-Key.
    keyed: dict[str, Response] = field(default_factory=dict)
    risk: str = "normal"
    # What a new refund's status is.
    refund_status: str = "succeeded"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "STRIPE_SECRET_KEY": SECRET_KEY, "STRIPE_BASE_URL": self.url,
            "STRIPE_WEBHOOK_SECRETS": f"whsec_to_come,{WEBHOOK_SECRET}",
        }  # fmt: skip

    def pay(self, redirect_url: str, **changes: Any) -> dict[str, Any]:
        """The payer types a card in; the session is complete."""
        session = self.sessions[redirect_url.rpartition("/")[2]]
        number = f"pi_{next(self.numbers):010d}"
        self.intents[number] = {
            "id": number, "object": "payment_intent", "status": "succeeded",
            "metadata": session["metadata"],
            "latest_charge": {"id": f"ch_{number}", "created": int(time.time()),
                              "outcome": {"risk_level": self.risk}},
        }  # fmt: skip
        session |= {"payment_intent": number, "payment_status": "paid", "status": "complete"}
        session |= changes
        return session

    def answer(self, request: Request) -> Response:
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        if scheme != "Basic" or b64decode(credential).decode() != f"{SECRET_KEY}:":
            return Response({"error": {"type": "invalid_request_error", "message": "no"}}, 401)
        key = request.headers.get("idempotency-key")
        if key is not None and key in self.keyed:
            return self.keyed[key]
        response = self._answer(request)
        if key is not None:
            self.keyed[key] = response
        return response

    def _answer(self, request: Request) -> Response:
        match (request.method, request.path.removeprefix("/v1/").split("/")):
            case ("POST", ["checkout", "sessions"]) if request.form["mode"] == "setup":
                return self.vault.open(self, request.form)
            case ("POST", ["checkout", "sessions"]):
                return self._open(request.form)
            case (_, ["customers" | "payment_intents", *_]):
                return self.vault.answer(self, request)
            case ("GET", ["checkout", "sessions"]):
                wanted = request.query["payment_intent"]
                return Response({"data": [s for s in self.sessions.values()
                                          if s["payment_intent"] == wanted]})  # fmt: skip
            case ("GET", ["checkout", "sessions", number]) if number in self.vault.sessions:
                return self.vault.session(number, request.query["expand[]"])
            case ("GET", ["checkout", "sessions", number]) if number in self.sessions:
                assert request.query["expand[]"] == "payment_intent.latest_charge"
                session = self.sessions[number]
                return Response({**session,
                                 "payment_intent": self.intents.get(session["payment_intent"])})  # fmt: skip
            case ("POST", ["refunds"]):
                return self._refund(request.form)
            case ("GET", ["refunds" | "disputes" as kind]):
                of = self.refunds if kind == "refunds" else self.disputes
                wanted = request.query["payment_intent"]
                return Response({"data": [r for r in of.values() if r["payment_intent"] == wanted]})
            case ("GET", ["refunds", number]) if number in self.refunds:
                return Response(self.refunds[number])
        return error("resource_missing", "No such object", 404)

    def _open(self, form: dict[str, str]) -> Response:
        number = f"cs_test_{next(self.numbers):010d}"
        self.sessions[number] = {
            "id": number, "object": "checkout.session", "payment_intent": None,
            "amount_total": int(form["line_items[0][price_data][unit_amount]"]),
            "currency": form["line_items[0][price_data][currency]"],
            "client_reference_id": form["client_reference_id"], "payment_status": "unpaid",
            "status": "open", "url": f"{self.url}/pay/{number}",
            "metadata": {"reference": form["metadata[reference]"]},
        }  # fmt: skip
        return Response(self.sessions[number])

    def _refund(self, form: dict[str, str]) -> Response:
        intent, amount = form["payment_intent"], int(form["amount"])
        if intent not in self.intents:
            return error("resource_missing", "No such payment_intent", 404)
        metadata = {"refund_id": form["metadata[refund_id]"]}
        total = next((s["amount_total"] for s in self.sessions.values()
                      if s["payment_intent"] == intent), self.intents[intent].get("amount"))  # fmt: skip
        given = sum(r["amount"] for r in self.refunds.values() if r["payment_intent"] == intent)
        if given + amount > int(total or 0):
            return error("charge_already_refunded", "Refund amount is greater than left", 400)
        return Response(self.give_back(intent, amount, self.refund_status, metadata))

    def give_back(
        self, intent: str, amount: int, status: str = "succeeded", metadata: Any = None
    ) -> dict[str, Any]:
        """As by an API call, or on Stripe's own page, where it has no number of ours."""
        number = f"re_{next(self.numbers):010d}"
        self.refunds[number] = {"id": number, "object": "refund", "amount": amount,
                                "payment_intent": intent, "status": status, "currency": "bdt",
                                "metadata": metadata or {}}  # fmt: skip
        return self.refunds[number]

    def dispute(self, intent: str, amount: int) -> dict[str, Any]:
        """The payer tells the bank that the payment was none of theirs."""
        number = f"dp_{next(self.numbers):010d}"
        self.disputes[number] = {"id": number, "object": "dispute", "amount": amount,
                                 "payment_intent": intent, "status": "needs_response",
                                 "currency": "bdt", "reason": "fraudulent", "metadata": {}}  # fmt: skip
        return self.disputes[number]

    # ---------------------------------------------------------------- events
    def event(self, kind: str, about: dict[str, Any]) -> bytes:
        number = f"evt_{next(self.numbers):010d}"
        return json.dumps(
            {"id": number, "object": "event", "type": kind, "data": {"object": about}}, indent=2
        ).encode()

    def delivery(
        self, kind: str, about: dict[str, Any], *, age: int = 0, secret: str = WEBHOOK_SECRET
    ) -> tuple[dict[str, str], bytes]:
        body = self.event(kind, about)
        return {"stripe-signature": signature(body, int(time.time()) - age, secret)}, body


def signature(body: bytes, stamp: int, *secrets: str) -> str:
    signed = str(stamp).encode() + b"." + body
    each = [hmac.digest(secret.encode(), signed, hashlib.sha256).hex() for secret in secrets]
    return ",".join([f"t={stamp}", *(f"v1={one}" for one in each), "v0=" + "0" * 64])
