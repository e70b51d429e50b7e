"""Every list page stands on what its API promises, no more: optional members may be missing, and
what may be null is null."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.console.conftest import Browser
from tests.console.scripted_services import Script

ROOT = Path(__file__).parents[2]
ID = "01990000-0000-7000-8000-0000000000aa"
SAMPLES = {"uuid": ID, "date-time": "2026-11-22T08:00:00+00:00", "date": "2026-11-22",
           "decimal": "12.50", "string": "something", "integer": 1, "number": 1.5,
           "boolean": True, "object": {}}  # fmt: skip
# Page, service, path of the list.
PAGES = (
    ("/customers", "customers", "/v1/customers"),
    ("/deleted-customers", "customers", "/v1/deleted-customers"),
    ("/operators", "customers", "/v1/operators"),
    ("/packages", "customers", "/v1/packages"),
    ("/customer-classes", "customers", "/v1/customer-classes"),
    ("/customers/imports", "customers", "/v1/imports"),
    ("/exports", "customers", "/v1/exports"),
    ("/erasures", "customers", "/v1/erasures"),
    ("/webhooks", "customers", "/v1/webhook-endpoints"),
    (f"/webhooks/{ID}", "customers", "/v1/webhook-endpoints/{endpoint_id}/deliveries"),
    ("/looks", "customers", "/v1/access-log"),
    ("/operations", "customers", "/v1/operations"),
    ("/jobs", "customers", "/v1/jobs"),
    ("/network/dead-letters", "radius-sync", "/v1/dead-letters"),
    ("/network/nas", "radius-sync", "/v1/nas"),
    ("/network/subscribers", "radius-sync", "/v1/subscribers"),
    ("/network/disconnects", "radius-sync", "/v1/disconnects"),
    ("/network/sessions", "radius-sync", "/v1/sessions"),
    ("/network/targets", "radius-sync", "/v1/targets"),
    ("/network/reconciliations", "radius-sync", "/v1/reconciliations"),
    ("/payments", "payments", "/v1/payments"),
    ("/bills", "payments", "/v1/bills"),
    ("/gateways/reviews", "payments", "/v1/payment-reviews"),
    ("/gateways/payments", "payments", "/v1/payment-intents"),
    ("/gateways/notifications", "payments", "/v1/webhook-deliveries"),
    ("/gateways/refunds", "payments", "/v1/gateway-refunds"),
    ("/statements/lines", "payments", "/v1/statement-lines"),
    ("/statements/imports", "payments", "/v1/statement-imports"),
    ("/cash/drawers", "payments", "/v1/cash-drawers"),
    ("/cash/shifts", "payments", "/v1/cash-shifts"),
    ("/cash/hand-overs", "payments", "/v1/cash-hand-overs"),
    ("/recharge-cards/batches", "payments", "/v1/recharge-cards/batches"),
    ("/recharge-cards", "payments", "/v1/recharge-cards"),
    ("/dunning/promises", "payments", "/v1/promises"),
    ("/dunning/reminders", "payments", "/v1/reminders"),
    ("/dunning/policies", "payments", "/v1/dunning-policies"),
    ("/proforma-bills", "payments", "/v1/proforma-bills"),
    ("/credits", "payments", "/v1/credits"),
    ("/gateways/methods", "payments", "/v1/payment-methods"),
    ("/numbering", "payments", "/v1/number-patterns"),
    ("/exports/schedules", "payments", "/v1/export-schedules"),
)  # fmt: skip


def contract(service: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((ROOT / f"docs/openapi/{service}.json").read_bytes())
    return found


def least(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """The least that a schema promises."""
    if "$ref" in schema:
        return least(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    kind = schema.get("type")
    if any("null" in str(each) for each in (kind, schema.get("enum"), schema.get("anyOf"))):
        return None
    if schema.get("enum"):
        return schema["enum"][0]
    if "properties" in schema:
        required = schema.get("required", ())
        return {name: least(document, schema["properties"][name]) for name in required}
    if kind == "array":
        return []
    return SAMPLES.get(schema.get("format", ""), SAMPLES.get(str(kind)))


def promised(service: str, path: str) -> Any:
    document = contract(service)
    answer = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    whole = least(document, answer["schema"])
    schema = answer["schema"]
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    whole["items"] = [least(document, schema["properties"]["items"]["items"])]
    return whole


@pytest.mark.parametrize("service", ["customers", "payments", "radius-sync"])
def test_every_list_stands_on_what_its_api_promises(
    browser: Browser, script: Script, service: str
) -> None:
    endpoints = promised("customers", "/v1/webhook-endpoints")
    script.says("GET", f"/v1/webhook-endpoints/{ID}", endpoints["items"][0])
    script.lists("/v1/payments/totals")
    for page, of, path in PAGES:
        if of != service:
            continue
        script.says("GET", re.sub(r"\{\w+\}", ID, path), promised(of, path))
        answer = browser.get(page)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200, page
        assert text.count("<tr>") == 2, f"{page} does not show its row"
