"""`q` is offered by the lists that search, and refused by the others: never taken and ignored."""

from __future__ import annotations

import json
from pathlib import Path

SEARCHED = {
    "customers": {"/v1/customers", "/v1/deleted-customers", "/v1/operators", "/v1/packages"},
    "payments": {"/v1/bills", "/v1/payments", "/v1/payments/totals", "/v1/proforma-bills"},
    "radius-sync": {"/v1/nas", "/v1/subscribers"},
}


def test_a19_b2_e17_q_is_a_parameter_of_exactly_the_lists_that_search() -> None:
    for service, searched in SEARCHED.items():
        contract = json.loads(Path(f"docs/openapi/{service}.json").read_bytes())
        offering = {
            path
            for path, operations in contract["paths"].items()
            for parameter in operations.get("get", {}).get("parameters", ())
            if parameter.get("name") == "q"
        }
        assert offering == searched
