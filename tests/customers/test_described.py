"""What the lists answer of real rows, and what bulk work answers at once, is what the document says."""

from typing import Any

import pytest
import schemathesis
from schemathesis.specs.openapi.checks import response_schema_conformance

from tests.customers.conftest import Site

LISTS = [
    "/v1/customers", "/v1/customers/{customer_id}/accounts",
    "/v1/customers/{customer_id}/status-history", "/v1/deleted-customers", "/v1/operators",
    "/v1/operators/{operator_id}/api-keys", "/v1/packages", "/v1/customer-classes",
]  # fmt: skip


def _filled(site: Site) -> dict[str, str]:
    """Rows for every list, with what may be null null and filled; whose lists to ask for."""
    reseller = site.operator("north")
    attributes = {"Session-Timeout": "3600"}
    site.package("North 10", operator_id=str(reseller.id), attributes=attributes)
    held = site.customer(
        "held", email="held@example.com", credit_limit={"amount": "10.00", "currency": "BDT"}
    )
    place = f"/v1/customers/{held['id']}"
    site.customer("heldless", reseller, kind="lead")
    steps = [
        (f"{place}/activate", {"package_id": site.package("Home 20")}),
        (f"{place}/holds", {"kind": "admin", "reason": "asked", "until": "2090-01-01T00:00:00Z"}),
        (f"{place}/accounts", {"name": "office"}),
        (f"{place}/accounts", {"name": "shop", "service_type": "static"}),
        (f"/v1/operators/{reseller.id}/holds", {"kind": "reseller"}),
        (f"/v1/operators/{site.admin.id}/api-keys", {"name": "sync"}),
        (
            f"/v1/operators/{site.admin.id}/api-keys",
            {"name": "old", "scopes": ["customers.read"], "expires_at": "2090-01-01T00:00:00Z"},
        ),
    ]
    for url, body in steps:
        assert site.admin.post(url, body).status_code in (200, 201), url
    office = site.admin.get(f"{place}/accounts").get_json()["items"][0]["id"]
    assert site.admin.delete(f"{place}/accounts/{office}").status_code == 200
    site.deleted("gone")
    return {"customer_id": held["id"], "operator_id": str(site.admin.id)}


def _called(site: Site, method: str, path: str, **more: Any) -> Any:
    """The answer, checked against its schema."""
    found = schemathesis.openapi.from_wsgi("/openapi.json", site.app)[path][method]
    told: Any = found.definition.raw["responses"]
    assert all("content" in told[code] for code in ("200", "202") if code in told), path
    headers = {"Authorization": f"Bearer {site.admin.token}", **more.pop("headers", {})}
    response = found.Case(**more).call(headers=headers)
    found.Case(**more).validate_response(response, checks=[response_schema_conformance])
    return response.json()


def test_every_row_of_every_list_is_as_described(site: Site) -> None:
    """C1, A12 to A18, C46."""
    ids = _filled(site)
    for path in LISTS:
        asked = {name: given for name, given in ids.items() if f"{{{name}}}" in path}
        for query in ({"include": "total"}, {"limit": 1}):
            shown = _called(site, "GET", path, path_parameters=asked, query=query)
            assert shown["items"], path
    for path in ("/v1/customers", "/v1/deleted-customers"):
        words = {"q": "held" if path == "/v1/customers" else "gone"}
        assert _called(site, "GET", path, query=words)["approximate"] is False
    assert _called(site, "GET", "/.well-known/jwks.json")["keys"]


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v1/customers/delete", {"reason": "wrong_entry"}),
        ("/v1/customers/holds", {"kind": "admin"}),
        ("/v1/customers/activate", {}),
        ("/v1/deleted-customers/restore", {}),
    ],
)
def test_the_job_of_bulk_work_is_as_described(site: Site, path: str, more: dict[str, str]) -> None:
    chosen = site.deleted("gone") if "deleted" in path else site.customer("one")
    job = _called(
        site, "POST", path, body={"ids": [chosen["id"]], **more}, media_type="application/json",
        headers={"Idempotency-Key": "described-1"},
    )  # fmt: skip
    assert (job["state"], job["total"]) == ("queued", 1)


def test_a_deletion_and_a_restore_are_as_described_planned_and_done(site: Site) -> None:
    """A2, A27, B10."""
    kept = site.customer("kept")["id"]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("/v1/customers/{customer_id}/delete", {"reason": "wrong_entry"}),
        ("/v1/deleted-customers/{customer_id}/restore", {}),
    ]
    for number, (path, body) in enumerate(steps):
        for dry_run in (True, False):
            key = {"Idempotency-Key": f"described-{number}-{dry_run}"}
            said = _called(
                site, "POST", path, path_parameters={"customer_id": kept}, headers=key,
                body={**body, "dry_run": dry_run}, media_type="application/json",
            )  # fmt: skip
            assert said.get("dry_run", False) is dry_run, path
