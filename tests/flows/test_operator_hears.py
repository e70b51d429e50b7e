"""An operator's own front end keeps up by the event feeds, with an API key."""

import requests

from tests.flows.front_end import CUSTOMERS, PAYMENTS, RADIUS, Json
from tests.flows.site import PATIENCE, Site
from tests.support.waiting import until


class Reader:
    """A front end of somebody else: an API key, a cursor for each service, what it has heard."""

    def __init__(self, site: Site, key: str) -> None:
        self.urls, self.headers = site.urls, {"Authorization": f"Bearer {key}"}
        self.cursors: dict[str, str] = {}
        self.heard: list[Json] = []

    def read(self, service: str) -> None:
        parameters = {"after": self.cursors[service]} if service in self.cursors else {}
        answer = requests.get(
            f"{self.urls[service]}/v1/events", headers=self.headers, params=parameters, timeout=30
        )
        answer.raise_for_status()
        self.heard += answer.json()["items"]
        self.cursors[service] = answer.json()["next_cursor"]

    def types(self, subject: str) -> list[str]:
        return [event["type"] for event in self.heard if event["subject"] == subject]

    def hears(self, subject: str, service: str, *types: str) -> bool:
        self.read(service)
        return set(types) <= set(self.types(subject))


def test_a_front_end_hears_the_life_of_its_customers_and_of_no_others(site: Site) -> None:
    east = site.admin.create_operator("feed-east", "manager")
    me = east.get(CUSTOMERS, "/v1/me")
    made_key = east.call(
        CUSTOMERS, "POST", f"/v1/operators/{me['id']}/api-keys",
        {"name": "front end", "scopes": ["events.read"]},
    )  # fmt: skip
    key = made_key["key"]
    assert key.startswith("tnr_")
    reader = Reader(site, key)
    package = site.admin.create_package("For the feed")
    stranger = site.admin.create_customer("feedstranger", "secret-1", package_id=package["id"])
    made = east.create_customer("feedowner", "secret-1", package_id=package["id"])
    east.activate(made["id"])
    site.until_accepted("feedowner", "secret-1")
    east.record_payment(made["id"], "500.00")
    east.delete(made["id"])

    known = f"{CUSTOMERS} does not tell"
    until(lambda: reader.hears(made["id"], CUSTOMERS, "customer.created", "customer.activated",
                               "customer.deleted"), PATIENCE, known)  # fmt: skip
    # The key itself reaches the other services as an event.
    until(lambda: _known(site, key), PATIENCE, "the key is not known everywhere")
    until(
        lambda: reader.hears(made["id"], PAYMENTS, "account.changed"),
        PATIENCE,
        "no account.changed",
    )
    until(lambda: reader.hears(made["id"], RADIUS, "access.changed"), PATIENCE, "no access.changed")
    assert stranger["id"] not in {event["subject"] for event in reader.heard}
    paid = [event for event in reader.heard if event["type"] == "payment.recorded"]
    assert [event["data"]["amount"] for event in paid] == ["500.00"]
    sequences = [e["sequence"] for e in reader.heard if e["type"].startswith("customer.")]
    assert sequences == sorted(set(sequences)), "each version once, in order"

    assert not [event for event in reader.heard if "password" in event["data"].get("customer", {})]

    # What is new may come at any time; what was heard comes no more.
    for service in (CUSTOMERS, PAYMENTS, RADIUS):
        reader.read(service)
    heard = [event["id"] for event in reader.heard]
    assert len(heard) == len(set(heard)), "a cursor gives nothing twice"


def _known(site: Site, key: str) -> bool:
    return all(
        requests.get(
            f"{site.urls[service]}/v1/events",
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
        ).ok
        for service in (CUSTOMERS, PAYMENTS, RADIUS)
    )
