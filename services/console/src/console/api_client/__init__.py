"""The three APIs as api.md names them, one class per service, on behalf of the signed-in operator."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from console.api_client.customers import CustomersApi
from console.api_client.every_service import ServiceApi
from console.api_client.network import NetworkApi
from console.api_client.payments import PaymentsApi
from console.api_client.transport import Answer, Fault, File, Line, Refused, Silent, TokenEnded
from console.settings import ConsoleSettings
from shared.addresses import HEADER, vouch

__all__ = ["Answer", "Apis", "Fault", "File", "Refused", "ServiceApi", "Silent", "TokenEnded"]


@dataclass(frozen=True)
class Apis:
    customers: CustomersApi
    payments: PaymentsApi
    network: NetworkApi

    @classmethod
    def reach(
        cls, settings: ConsoleSettings, http: requests.Session, token: str = "", address: str = ""
    ) -> Apis:
        """`address` is the browser's: sign-ins are throttled and writes are logged by it."""
        vouched = {HEADER: vouch(address, settings.service_secret)} if address else {}

        def line(service: str) -> Line:
            url = settings.urls[service]
            return Line(service, url, http, settings.call_seconds, token, vouched)

        return cls(
            CustomersApi(line("customers")),
            PaymentsApi(line("payments")),
            NetworkApi(line("radius-sync")),
        )

    @property
    def by_name(self) -> dict[str, ServiceApi]:
        """The services by the name that stands in addresses of pages."""
        return {
            "customers": self.customers,
            "payments": self.payments,
            "radius-sync": self.network,
        }
