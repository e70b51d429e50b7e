"""The search for leftovers finds what the catalogue would miss, and blames nobody for others' data."""

from typing import Any

import pytest

from tests.customers.conftest import Site
from tests.customers.erasing import advance, answer, ask, certify, erase


def found(site: Site, erasure: str) -> list[dict[str, Any]]:
    document = site.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()["document"]
    hits: list[dict[str, Any]] = document["leftovers"]["customers"]["hits"]
    return hits


@pytest.mark.parametrize(
    "trace",
    [
        "vexworth.q",
        "Call +8801799887766 back.",
        "QUILLON VEXWORTH",
        "see Zyther Lane 77, 2nd floor",
    ],
)
def test_a_trace_in_free_text_stands_in_the_certificate(site: Site, trace: str) -> None:
    gone = site.deleted(
        "vexworth.q", name="Quillon Vexworth", phone="+8801799887766", address="Zyther Lane 77"
    )
    site.change(
        "INSERT INTO preference (operator_id, table_name, value)"
        " VALUES (:id, 'customers', jsonb_build_object('filter', CAST(:trace AS text)))",
        id=site.admin.id,
        trace=trace,
    )
    erasure = erase(site, gone)
    assert found(site, erasure) == [{"table": "preference", "column": "value", "rows": 1}]


def test_what_another_customer_has_too_is_theirs(site: Site) -> None:
    """A family's telephone, a common name, and a login that was taken again at once (decision 3)."""
    site.customer("wife", name="Quillon Vexworth", phone="+8801799887766")
    gone = site.deleted("vexworth.q", name="Quillon Vexworth", phone="+8801799887766")
    again = site.customer("vexworth.q")
    erasure = erase(site, gone)
    assert found(site, erasure) == []
    assert site.admin.get(f"/v1/customers/{again['id']}").get_json()["username"] == "vexworth.q"
    document = site.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()["document"]
    assert document["leftovers"]["customers"]["shared_with_others"] == 3


def test_former_logins_are_looked_for_too(site: Site) -> None:
    made = site.customer("oldlogin.q")
    site.admin.patch(f"/v1/customers/{made['id']}", {"username": "newlogin.q"})
    site.admin.post(f"/v1/customers/{made['id']}/delete", {"reason": "closed_account"})
    site.change(
        "INSERT INTO preference (operator_id, table_name, value)"
        " VALUES (:id, 'customers', '[\"oldlogin.q\"]')",
        id=site.admin.id,
    )
    assert found(site, erase(site, made)) != []


def test_needles_are_sealed_and_gone_with_the_certificate(site: Site) -> None:
    gone = site.deleted("vexworth.q")
    erasure = ask(site, gone)
    advance(site)
    (needle,) = site.rows("SELECT * FROM erasure_needle")
    assert needle.sealed.startswith("v1:") and "vexworth" not in needle.sealed
    answer(site, erasure, [gone["id"]])
    certify(site)
    assert site.rows("SELECT * FROM erasure_needle") == []
