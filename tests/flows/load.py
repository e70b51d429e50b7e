"""Front ends that delete, restore, pay and activate, and remember what was acknowledged."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import requests

from radius_sync.radius_client import NoAnswer
from tests.flows.front_end import CUSTOMERS, PAYMENTS, Json, Operator, new_key
from tests.flows.site import Site

PASSWORD = "load-7-load"
# As soon as a service answers again the client is there: it has waited long enough.
AGAIN_SECONDS = 0.25


@dataclass
class Known:
    """What one customer must be by what was acknowledged."""

    id: str
    username: str
    state: str = "active"
    paid: Decimal = Decimal(0)
    payments: list[str] = field(default_factory=list)

    @property
    def entitled(self) -> bool:
        return self.state == "active"


class Unexpected(AssertionError):
    """A service refused what must be possible."""


class Client(threading.Thread):
    """One front end with customers of its own. `stop()` lets it finish what it has begun.

    A request whose outcome is unknown is sent again with the same Idempotency-Key until it is
    answered, as a front end has to.
    """

    def __init__(self, site: Site, customers: Sequence[Known], package_id: str, seed: int) -> None:
        super().__init__(name=f"client {seed}", daemon=True)
        self.site, self.customers, self.package_id = site, customers, package_id
        self.operator = Operator(site.urls, "admin", "admin-demo")
        self.done, self.retries = Counter[str](), 0
        self.failure: BaseException | None = None
        self._chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
        self._over, self._given_up = threading.Event(), threading.Event()

    def run(self) -> None:
        try:
            while not self._over.is_set():
                self._step(self._chance.choice(self.customers))
        except BaseException as error:
            self.failure = error

    def stop(self, seconds: float) -> None:
        """Raises what went wrong; AssertionError when the last request has no answer in time."""
        self._over.set()
        self.join(seconds)
        self._given_up.set()
        assert not self.is_alive(), f"{self.name}: a request stays without an answer"
        if self.failure is not None:
            raise self.failure

    def _step(self, one: Known) -> None:
        if self._chance.random() < 0.3:
            self._pay(one)
        elif one.state == "active":
            if self._chance.random() < 0.5:
                self._dial(one)
            else:
                self._act(one, "delete", f"/v1/customers/{one.id}/delete",
                          {"reason": "operator_error"}, "deleted")  # fmt: skip
        elif one.state == "deleted":
            place = f"/v1/deleted-customers/{one.id}/restore"
            self._act(one, "restore", place, {}, "inactive")
        else:
            body = {"package_id": self.package_id, "renew": True}
            self._act(one, "activate", f"/v1/customers/{one.id}/activate", body, "active")

    def _act(self, one: Known, what: str, place: str, body: Json, then: str) -> None:
        self._insist(CUSTOMERS, place, body, what)
        one.state = then
        self.done[what] += 1

    def _pay(self, one: Known) -> None:
        amount = Decimal(self._chance.randrange(1, 900_00)) / 100
        body = {
            "customer_id": one.id, "method": "cash",
            "amount": {"amount": f"{amount:.2f}", "currency": "BDT"},
            "override_duplicate": {"reason": "each is a payment of its own"},
        }  # fmt: skip
        made = self._insist(PAYMENTS, "/v1/payments", body, "payment")
        one.paid += amount
        one.payments.append(made["id"])
        self.done["payment"] += 1

    def _dial(self, one: Known) -> None:
        """Online at the simulated NAS, when a RADIUS server says so; nothing depends on it."""
        if one.username in {session.username for session in self.site.nas.sessions}:
            return
        try:
            if self.site.nas.dial(one.username, PASSWORD):
                self.done["session"] += 1
        except NoAnswer:
            self.retries += 1

    def _insist(self, service: str, place: str, body: Json, what: str) -> Json:
        key = new_key(f"load-{what}")
        while not self._given_up.is_set():
            response = self._try(service, place, body, key)
            if response is None or response.status_code >= 500:
                self.retries += 1
            elif response.ok:
                answer: Json = response.json()
                return answer
            elif response.json()["type"].endswith("/still-running"):
                self.retries += 1
            else:
                raise Unexpected(f"{what} {place}: {response.status_code} {response.text[:500]}")
            self._given_up.wait(AGAIN_SECONDS)
        raise Unexpected(f"{what} {place}: no answer")

    def _try(self, service: str, place: str, body: Json, key: str) -> requests.Response | None:
        try:
            return self.operator.send(service, "POST", place, body, Idempotency_Key=key)
        except requests.RequestException:
            return None
        except AssertionError:  # its token ran out while nobody could give another
            return None
