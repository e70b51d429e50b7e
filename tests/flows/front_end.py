"""An operator's front end: the three APIs over HTTP, with methods named as what they do."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import requests

from tests.support.waiting import until

Json = dict[str, Any]
# A loaded machine of two cores answers slowly, but it answers.
TIMEOUT = (10.0, 90.0)
CUSTOMERS, PAYMENTS, RADIUS = "customers", "payments", "radius-sync"
TOKENS = "/v1/tokens"
_keys = count(1)


class Refused(AssertionError):
    """The service said no; `response` is what it said."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(f"{response.request.method} {response.url}: {response.text[:800]}")
        self.response = response


def new_key(word: str = "flow") -> str:
    """An Idempotency-Key that no test of this process has used."""
    return f"{word}-{next(_keys):08d}"


class Operator:
    """One operator, signed in at all services. Each method gives the JSON of a success."""

    def __init__(self, urls: Mapping[str, str], username: str, password: str) -> None:
        self.urls, self.username, self.password = urls, username, password
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy of the environment for 127.0.0.1
        self.sign_in()

    def sign_in(self) -> None:
        body = {"username": self.username, "password": self.password}
        token = self.call(CUSTOMERS, "POST", TOKENS, body)["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def send(
        self, service: str, method: str, path: str, body: Any = None, **headers: str
    ) -> requests.Response:
        """The response, whatever it is. `Idempotency_Key=…` becomes that header."""
        response = self._send(service, method, path, body, headers)
        if response.status_code == 401 and path != TOKENS:
            self.sign_in()  # a token lives for ten minutes
            response = self._send(service, method, path, body, headers)
        return response

    def _send(
        self, service: str, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> requests.Response:
        return self.session.request(
            method, self.urls[service] + path, json=body, timeout=TIMEOUT,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )  # fmt: skip

    def call(self, service: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of a success. Raises Refused."""
        response = self.send(service, method, path, body, **headers)
        if not response.ok:
            raise Refused(response)
        return response.json() if response.content else None

    def get(self, service: str, path: str) -> Any:
        return self.call(service, "GET", path)

    def create_operator(self, username: str, role: str = "reseller") -> Operator:
        """A new operator below this one, signed in."""
        password = f"{username}-password"
        body = {"username": username, "name": username.title(), "role": role, "password": password}
        self.call(CUSTOMERS, "POST", "/v1/operators", body)
        return Operator(self.urls, username, password)

    def create_package(self, name: str, **more: Any) -> Json:
        body = {
            "name": name, "price": {"amount": "500.00", "currency": "BDT"},
            "billing_cycle": "monthly", "download_kbps": 10_000, "upload_kbps": 5_000,
            "validity_days": 30,
        }  # fmt: skip
        made: Json = self.call(CUSTOMERS, "POST", "/v1/packages", body | more)
        return made

    def create_customer(self, username: str, password: str, **more: Any) -> Json:
        body = {"name": username.title(), "username": username, "password": password}
        made: Json = self.call(CUSTOMERS, "POST", "/v1/customers", body | more)
        return made

    def activate(self, customer_id: str, **body: Any) -> Json:
        place = f"/v1/customers/{customer_id}/activate"
        done: Json = self.call(CUSTOMERS, "POST", place, body)
        return done

    def delete(self, customer_id: str, reason: str = "closed_account", **body: Any) -> Json:
        place = f"/v1/customers/{customer_id}/delete"
        done: Json = self.call(CUSTOMERS, "POST", place, {"reason": reason, **body})
        return done

    def restore(self, customer_id: str, **body: Any) -> Json:
        place = f"/v1/deleted-customers/{customer_id}/restore"
        done: Json = self.call(CUSTOMERS, "POST", place, body)
        return done

    def erase(self, customer: Json, mode: str = "pseudonymise") -> Json:
        """Ask for the erasure of one deleted customer, and wait for its end."""
        return self.wait_for_erasure(self.ask_to_erase(customer, mode))

    def ask_to_erase(self, customer: Json, mode: str = "pseudonymise") -> str:
        """The id of the erasure."""
        place = f"/v1/deleted-customers/{customer['id']}/erase"
        body = {
            "confirm": customer["customer_number"], "legal_basis": "asked for by the customer",
            "mode": mode,
        }  # fmt: skip
        asked = self.call(CUSTOMERS, "POST", place, body, Idempotency_Key=new_key("erase"))
        return str(asked["id"])

    def wait_for_erasure(self, erasure_id: str) -> Json:
        def done() -> Json | None:
            now: Json = self.get(CUSTOMERS, f"/v1/erasures/{erasure_id}")
            return now if now["state"] not in ("cooling", "running") else None

        return until(done, 120, "the erasure does not end")

    def wait_for_the_books(self, customer_id: str) -> None:
        """Until payments has heard of a customer: a moment behind customers, always."""
        place = f"/v1/customers/{customer_id}/balance"
        until(
            lambda: self.send(PAYMENTS, "GET", place).ok, 120,
            "payments did not hear of the customer",
        )  # fmt: skip

    def record_payment(self, customer_id: str, amount: str, key: str | None = None) -> Json:
        self.wait_for_the_books(customer_id)
        body = {
            "customer_id": customer_id, "method": "cash",
            "amount": {"amount": amount, "currency": "BDT"},
        }  # fmt: skip
        key = key or new_key("payment")
        made: Json = self.call(PAYMENTS, "POST", "/v1/payments", body, Idempotency_Key=key)
        return made

    def issue_bill(self, customer_id: str, amount: str, due_at: str) -> Json:
        self.wait_for_the_books(customer_id)
        money = {"amount": amount, "currency": "BDT"}
        body = {
            "customer_id": customer_id, "due_at": due_at,
            "items": [{"description": "Installation", "amount": money}],
        }  # fmt: skip
        made: Json = self.call(PAYMENTS, "POST", "/v1/bills", body, Idempotency_Key=new_key("bill"))
        return made

    def balance(self, customer_id: str) -> Json:
        found: Json = self.get(PAYMENTS, f"/v1/customers/{customer_id}/balance")
        return found

    def subscriber(self, username: str) -> Json:
        found: Json = self.get(RADIUS, f"/v1/subscribers/{username}")
        return found

    def disconnects(self, customer_id: str) -> list[Json]:
        return list(self.get(RADIUS, f"/v1/disconnects?customer_id={customer_id}")["items"])

    def export(self, service: str, resource: str, format: str, **filters: Any) -> bytes:
        """Ask for a file, wait for its job, fetch it."""
        body = {"resource": resource, "format": format, "filter": filters}
        asked = self.call(service, "POST", "/v1/exports", body, Idempotency_Key=new_key("export"))
        self.wait_for_job(service, asked["id"])
        response = self.send(service, "GET", f"/v1/exports/{asked['export_id']}/file")
        if not response.ok:
            raise Refused(response)
        return response.content

    def wait_for_job(self, service: str, job_id: str, seconds: float = 120.0) -> Json:
        def ended() -> Json | None:
            job: Json = self.get(service, f"/v1/jobs/{job_id}")
            return job if job["state"] in ("succeeded", "failed", "cancelled") else None

        job = until(ended, seconds, f"job {job_id} does not end")
        assert job["state"] == "succeeded", job
        return job

    def reconcile(self, *, heal: bool) -> Json:
        """The report of a reconciliation that was asked for now."""
        job = self.call(RADIUS, "POST", "/v1/reconciliations", {"heal": heal})
        self.wait_for_job(RADIUS, job["id"])
        report: Json = self.get(RADIUS, f"/v1/reconciliations/{job['id']}")
        return report
