"""The certificate waits for every service's search of its own tables, and tells what it found (A37)."""

from typing import Any

from customers import certifying, filing
from customers.erasing_subscriptions import SUBSCRIPTIONS
from shared.inbox import take
from tests.customers.conftest import Site
from tests.customers.erasing import OTHERS, advance, answer, ask, searched

HIT = {"table": "statement_line", "column": "description", "rows": 2}


def asked(site: Site, erasure: str) -> list[Any]:
    return site.rows(
        "SELECT operator_path FROM outbox WHERE type = 'erasure.searching' AND subject = :id",
        id=erasure,
    )


def shown(site: Site, erasure: str) -> dict[str, Any]:
    found: dict[str, Any] = site.admin.get(f"/v1/erasures/{erasure}").get_json()
    return found


def test_each_service_is_asked_once_its_receipts_are_in_and_awaited_by_name(site: Site) -> None:
    gone = site.deleted("alice")
    erasure = ask(site, gone)
    advance(site)
    answer(site, erasure, [gone["id"]], OTHERS[:1])
    assert certifying.certify_due(site.database, site.settings) == 0
    assert asked(site, erasure) == []
    assert shown(site, erasure)["searches"] == {}
    answer(site, erasure, [gone["id"]], OTHERS[1:])
    for _ in range(2):
        assert certifying.certify_due(site.database, site.settings) == 0
    assert asked(site, erasure) == [("1/",)]
    assert shown(site, erasure)["searches"] == {"payments": None, "radius-sync": None}

    take(site.database, SUBSCRIPTIONS, "payments", [searched(erasure, "payments", HIT)])
    assert certifying.certify_due(site.database, site.settings) == 0
    assert shown(site, erasure)["searches"]["payments"]["hits"] == [HIT]

    # Answered twice, the first answer counts.
    later = searched(erasure, "payments") | {"id": "01a20000-0000-7000-8000-000000000009"}
    take(site.database, SUBSCRIPTIONS, "payments", [later])
    take(site.database, SUBSCRIPTIONS, "radius-sync", [searched(erasure, "radius-sync")])
    filing.file_due(site.database, site.settings)
    assert certifying.certify_due(site.database, site.settings) == 1

    told: Any = site.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()
    left = told["document"]["leftovers"]
    assert set(left) == {"customers", "payments", "radius-sync"}
    assert left["payments"]["hits"] == [HIT]
    assert left["radius-sync"]["hits"] == []
    assert shown(site, erasure)["leftovers"]["services"]["payments"]["hits"] == [HIT]


def test_who_was_refused_is_searched_for_nowhere(site: Site) -> None:
    gone = site.deleted("alice")
    erasure = ask(site, gone)
    restored = site.admin.post(f"/v1/deleted-customers/{gone['id']}/restore")
    assert restored.status_code == 200
    advance(site)
    assert certifying.certify_due(site.database, site.settings) == 1
    assert asked(site, erasure) == []
    assert shown(site, erasure)["state"] == "refused"
