"""What every route of the three APIs owes a caller, taken from their OpenAPI documents."""

from __future__ import annotations

import pytest
import requests

from shared.tokens import PERMISSIONS
from tests.flows.front_end import CUSTOMERS, PAYMENTS, RADIUS, Json, Operator, new_key
from tests.flows.routes import bad, good, routes
from tests.flows.site import PATIENCE, Site
from tests.support.waiting import until

SERVICES = [CUSTOMERS, PAYMENTS, RADIUS]
# Each with the database it would have changed.
BOOKS = {CUSTOMERS: "customers", PAYMENTS: "payments", RADIUS: "radius"}


def changes(site: Site, service: str) -> list[Json]:
    """What operators have done and told so far in one service."""
    return site.rows(
        BOOKS[service],
        "SELECT (SELECT count(*) FROM operation WHERE actor <> 'system') AS operations,"
        " (SELECT count(*) FROM job) AS jobs",
    )


def problem(response: requests.Response) -> Json:
    """The body of an answer that says clearly what is wrong (RFC 9457)."""
    assert 400 <= response.status_code < 500, f"{response.status_code} {response.text[:500]}"
    assert response.headers["Content-Type"].startswith("application/problem+json")
    told: Json = response.json()
    assert told["status"] == response.status_code and told["title"] and told["request_id"]
    return told


@pytest.mark.parametrize("service", SERVICES)
def test_bad_bodies_get_a_problem_that_names_the_field_and_change_nothing(
    site: Site, service: str
) -> None:
    before, tried, wrong = changes(site, service), 0, []
    for route in routes(site.admin, service):
        for fault, body in bad(route.schema) if route.schema else ():
            response = site.admin.send(
                service, route.method, route.place(), body,
                Idempotency_Key=new_key("bad"), If_Match='"1"',
            )  # fmt: skip
            tried += 1
            try:
                told = problem(response)
                assert response.status_code in (400, 404, 409, 410, 422), response.status_code
                assert response.status_code != 422 or told["errors"], "names no field"
            except AssertionError as error:
                wrong.append(f"{route}, {fault}: {error}")
    assert not wrong, "\n".join(wrong)
    assert tried > 20 and changes(site, service) == before


@pytest.mark.parametrize("service", SERVICES)
def test_unknown_parameters_ids_and_json_that_is_none_are_told_apart(
    site: Site, service: str
) -> None:
    wrong = []
    for route in routes(site.admin, service):
        if not route.path.startswith("/v1/"):
            continue
        asked: list[tuple[str, tuple[int, ...]]] = [("?no_such_parameter=1", (400, 404, 422))]
        if any(name.endswith("_id") for name in route.parameters):
            asked.append(("", (400, 404, 405, 422, 428)))
        for query, expected in asked:
            # A connection of its own: the server may close one whose body it has not read.
            response = requests.request(
                route.method, site.urls[service] + route.place() + query, timeout=30,
                data=b"{" if route.schema else None,
                headers={
                    "Authorization": str(site.admin.session.headers["Authorization"]),
                    **({"Content-Type": "application/json"} if route.schema else {}),
                },
            )  # fmt: skip
            try:
                problem(response)
                assert response.status_code in expected, response.status_code
            except AssertionError as error:
                wrong.append(f"{route}{query}: {error}")
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module")
def north(site: Site) -> Operator:
    return site.admin.create_operator("scope-north", "manager")


@pytest.fixture(scope="module")
def souths(site: Site) -> Json:
    """A customer of another branch, with a payment, a session and a disconnect."""
    south = site.admin.create_operator("scope-south", "manager")
    package = site.admin.create_package("Of the south")
    made = south.create_customer(
        "southerner", "secret-1", package_id=package["id"], phone="+8801999000111"
    )
    south.activate(made["id"])
    site.until_accepted("southerner", "secret-1")
    until(lambda: south.balance(made["id"])["billed"]["amount"] == "500.00", PATIENCE, "not billed")
    south.record_payment(made["id"], "500.00")
    assert site.nas.dial("southerner", "secret-1") is not None
    return made


@pytest.mark.parametrize("service", SERVICES)
def test_another_branchs_customer_is_a_404_on_every_route(
    north: Operator, souths: Json, service: str
) -> None:
    known = {"customer_id": souths["id"], "username": "southerner"}
    wrong, tried = [], 0
    for route in routes(north, service):
        if not set(route.parameters) & set(known):
            continue
        tried += 1
        body = good(route.schema) if route.schema else None
        response = north.send(
            service, route.method, route.place(**known), body,
            Idempotency_Key=new_key("scope"), If_Match="*",
        )  # fmt: skip
        allowed = route.permission is None or route.permission in PERMISSIONS["manager"]
        if response.status_code != (404 if allowed else 403):
            wrong.append(f"{route}: {response.status_code} {response.text[:300]}")
    assert not wrong, "\n".join(wrong)
    assert tried > 0


def test_lists_show_nothing_of_another_branch(site: Site, north: Operator, souths: Json) -> None:
    who = souths["id"]
    lists = {
        CUSTOMERS: ["/v1/customers?q=southerner", "/v1/customers?q=01999000111",
                    "/v1/deleted-customers", f"/v1/operations?subject={who}", "/v1/operators?q=south"],
        PAYMENTS: [f"/v1/payments?customer_id={who}", f"/v1/bills?customer_id={who}",
                   "/v1/payments?q=southerner", f"/v1/operations?subject={who}"],
        RADIUS: ["/v1/sessions?username=southerner", "/v1/subscribers?q=southerner",
                 f"/v1/sessions?customer_id={who}", f"/v1/disconnects?customer_id={who}",
                 f"/v1/usage?customer_id={who}"],
    }  # fmt: skip
    for service, places in lists.items():
        for place in places:
            assert north.get(service, place)["items"] == [], f"{service} {place}"
        events = north.get(service, "/v1/events")["items"]
        assert who not in {event["subject"] for event in events}
    assert site.admin.get(PAYMENTS, f"/v1/payments?customer_id={who}")["items"]
