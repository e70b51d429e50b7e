"""Paying by a gateway, in short words: send a payer, deliver, let the worker have its turn."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse

from payments import pipeline, tasks
from payments.settings import PaymentsSettings
from shared.database import Database
from tests.payments.stage import Stage

Json = dict[str, Any]


@dataclass
class Till:
    stage: Stage
    database: Database
    settings: PaymentsSettings

    def ask(
        self, customer: UUID, gateway: str, amount: str = "500.00", **more: Any
    ) -> TestResponse:
        call = {name: more.pop(name) for name in ("path", "role", "key") if name in more}
        money = {"amount": amount, "currency": more.pop("currency", "BDT")}
        body = {"customer_id": str(customer), "gateway": gateway, "amount": money, **more}
        return self.stage.post("/v1/payment-intents", body, **call)

    def intent(self, customer: UUID, gateway: str, amount: str = "500.00", **more: Any) -> Json:
        """A new intent whose page is open."""
        answer = self.ask(customer, gateway, amount, **more)
        assert answer.status_code == 201, answer.json
        found: Any = answer.json
        assert found["state"] == "pending" and found["redirect_url"], found
        return dict(found)

    def deliver(self, gateway: str, delivery: tuple[dict[str, str], bytes]) -> TestResponse:
        headers, body = delivery
        return self.stage.client.post(f"/v1/webhooks/{gateway}", data=body, headers=headers)

    def come_back(self, intent: Json, **query: str) -> str:
        """The payer's browser is back; the state that the page tells."""
        answer = self.stage.client.get(
            f"/v1/payment-intents/{intent['id']}/return", query_string=query
        )
        assert answer.status_code == 200, answer.json
        found: Any = answer.json
        return str(found["state"])

    def work(self) -> int:
        """One turn of the worker at every gateway; how many pieces of work."""
        return sum(turn() for turn in pipeline.turns(self.database, self.settings))

    def pass_time(self, *only: str) -> None:
        """What waits for a time (in these tables) is due, and leases of dead workers have run out."""
        for table, column in (
            ("payment_intent", "next_check_at"), ("webhook_delivery", "next_at"),
            ("gateway_refund", "next_at"), ("payment_method", "next_check_at"),
        ):  # fmt: skip
            if only and table not in only:
                continue
            self._change(table, f"{column} = now() - interval '1 second'", f"{column} IS NOT NULL")
        for table in ("payment_intent", "payment_method"):
            self._change(table, "asked_at = NULL", "asked_at IS NOT NULL")

    def _change(self, table: str, change: str, which: str) -> None:
        """Rows that somebody works on are left alone: a clock waits for nobody, and locks nobody out."""
        self.stage.rows(
            f"UPDATE {table} SET {change} WHERE ctid = ANY(ARRAY("
            f" SELECT ctid FROM {table} WHERE {which} FOR UPDATE SKIP LOCKED)) RETURNING 1"
        )

    def store(self, customer: UUID, gateway: str = "stripe", **more: Any) -> Json:
        """A page for storing a method is open."""
        call = {name: more.pop(name) for name in ("path", "role", "key") if name in more}
        body = {"gateway": gateway, **more}
        answer = self.stage.post(f"/v1/customers/{customer}/payment-methods", body, **call)
        assert answer.status_code == 201, answer.json
        found: Any = answer.json
        return dict(found)

    def method(self, method: Json) -> Json:
        found: Any = self.stage.get(f"/v1/payment-methods/{method['id']}").json
        return dict(found)

    def stored(self, method: Json) -> str:
        """The payer's browser is back from storing; the state that the page tells."""
        found: Any = self.stage.client.get(f"/v1/payment-methods/{method['id']}/return").json
        return str(found["state"])

    def debit(self) -> None:
        """What the clock does: begin what is due, and let the gateways have their turn."""
        tasks.debit(self.database, self.settings)
        self.work()

    def attempts(self, customer: UUID) -> list[Any]:
        return self.stage.rows(
            "SELECT * FROM payment_intent WHERE customer_id = :id AND method_id IS NOT NULL"
            " ORDER BY created_at", id=customer,
        )  # fmt: skip

    def expire(self, intent: Json) -> None:
        self.stage.rows(
            "UPDATE payment_intent SET expires_at = now() - interval '1 second' WHERE id = :id"
            " RETURNING 1", id=UUID(intent["id"]),
        )  # fmt: skip

    def state(self, intent: Json) -> str:
        found: Any = self.stage.get(f"/v1/payment-intents/{intent['id']}").json
        return str(found["state"])

    def reviews(self, **query: Any) -> list[Json]:
        found: Any = self.stage.get("/v1/payment-reviews", **query).json
        return list(found["items"])

    def deliveries(self, **query: Any) -> list[Json]:
        found: Any = self.stage.get("/v1/webhook-deliveries", **query).json
        return list(found["items"])

    def refunds(self, **query: Any) -> list[Json]:
        found: Any = self.stage.get("/v1/gateway-refunds", **query).json
        return list(found["items"])

    def paid(self, customer: UUID) -> Decimal:
        return Decimal(self.stage.balance(customer)["paid"])

    def payments(self, customer: UUID) -> list[Any]:
        return self.stage.rows(
            "SELECT * FROM payment WHERE customer_id = :id AND status <> 'voided'", id=customer
        )

    def decide(self, review: Json, verdict: str, **body: Any) -> TestResponse:
        call = {name: body.pop(name) for name in ("path", "role", "key") if name in body}
        body.setdefault("reason", "asked the payer")
        return self.stage.post(f"/v1/payment-reviews/{review['id']}/{verdict}", body, **call)
