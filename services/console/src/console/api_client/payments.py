"""Calls to the payments service."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from console.api_client.every_service import ServiceApi
from console.api_client.transport import Answer, Query


class PaymentsApi(ServiceApi):
    def payments(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/payments", query)

    def totals(self, query: Query) -> dict[str, Any]:
        """Sums by method over the same filters."""
        return self._items("/v1/payments/totals", query)

    def record(self, body: dict[str, Any], key: str) -> Answer:
        """One payment; the same `key` never records a second one."""
        return self.line.post("/v1/payments", body, key=key)

    def bills(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/bills", query)

    def balance(self, customer_id: UUID) -> dict[str, Any]:
        """E27: billed, paid, outstanding."""
        return self._items(f"/v1/customers/{customer_id}/balance")
