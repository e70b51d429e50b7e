"""Nobody sees or touches another branch: every route, generated from the URL map (B4, B20)."""

import re
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from customers.persistence import customers as rows
from shared.database import Scope
from tests.customers.conftest import Caller, Site

UNKNOWN = "01900000-0000-7000-8000-000000000000"
BODIES: dict[str, Any] = {
    "/delete": {"reason": "wrong_entry"}, "/holds": {"kind": "fraud"},
    "/lift-suspension": {"until": "2099-01-01T00:00:00Z"}, "/accounts": {"name": "office"},
    "/api-keys": {"name": "stolen"}, "/legal-hold": {"case": "7"},
    "/erase": {"confirm": "1", "legal_basis": "law"}, "/accept": {"reason": "mine"},
}  # fmt: skip


def _foreign(site: Site) -> tuple[Caller, dict[str, str]]:
    """A reseller, and ids of everything that belongs to the sibling."""
    south = site.operator("south", "manager")
    made = site.customer("rahim", south)
    gone = site.customer("karim", south)
    place = f"/v1/customers/{made['id']}"
    (hold,) = south.post(f"{place}/holds", {"kind": "vacation"}).get_json()["holds"]
    account: Any = south.post(f"{place}/accounts", {"name": "office"}).get_json()
    south.post(f"/v1/customers/{gone['id']}/delete", {"reason": "wrong_entry"})
    job: Any = south.bulk("/v1/customers/delete", {"ids": [gone["id"]], "reason": "wrong_entry"})
    key: Any = south.post(f"/v1/operators/{south.id}/api-keys", {"name": "portal"}).get_json()
    package = {
        "name": "South", "price": {"amount": "1", "currency": "BDT"}, "billing_cycle": "daily",
        "download_kbps": 1, "upload_kbps": 1, "validity_days": 1,
    }  # fmt: skip
    sold: Any = south.post("/v1/packages", package).get_json()
    erased = site.deleted("fatema", caller=south)
    order = {"confirm": erased["customer_number"], "legal_basis": "law"}
    erasure: Any = south.bulk(f"/v1/deleted-customers/{erased['id']}/erase", order).get_json()
    view: Any = south.post("/v1/views", {"table": "customers", "name": "mine"}).get_json()
    hook: Any = south.post("/v1/webhook-endpoints", {"url": "https://example.org/h"}).get_json()
    export: Any = south.bulk("/v1/exports", {"resource": "customers", "format": "csv"})
    event = site.events(made["id"])[0]
    return site.operator("north", "manager"), {
        "customer_id": made["id"], "deleted_id": gone["id"], "hold_id": hold["id"],
        "account_id": account["id"], "job_id": job.get_json()["id"], "operator_id": str(south.id),
        "key_id": key["id"], "package_id": sold["id"], "erasure_id": erasure["id"],
        "view_id": view["id"], "endpoint_id": hook["id"], "event_id": str(event.id),
        "export_id": export.headers["Location"].rpartition("/")[2],
    }  # fmt: skip


def _url(rule: str, ids: dict[str, str]) -> str:
    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name == "customer_id" and "deleted-customers" in rule:
            name = "deleted_id"
        return ids.get(name, "admin" if name == "kind" else UNKNOWN)

    filled = re.sub(r"<any\(([a-z]+)[^>]*>", r"\1", rule)
    return re.sub(r"<(?:uuid:|any\(.*?\):)?(\w+)>", fill, filled)


def _ask(caller: Caller, method: str, url: str, body: Any) -> Any:
    headers = {"If_Match": "*", "Idempotency_Key": f"scope-{uuid4()}"}
    return caller.call(method, url, body, **headers)


def test_every_route_with_an_id_answers_a_foreign_manager_as_if_it_were_absent(
    site: Site,
) -> None:
    north, ids = _foreign(site)
    before = site.rows("SELECT id, version, state, holds FROM customer ORDER BY id")
    seen = 0
    for rule in site.app.url_map.iter_rules():
        names = set(rule.arguments) & ids.keys()
        if not names:
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:  # type: ignore[operator]
            ending = "/" + rule.rule.rstrip("/").rpartition("/")[2]
            body = None if method in ("GET", "DELETE") else BODIES.get(ending, {})
            foreign: Any = _ask(north, method, _url(rule.rule, ids), body)
            absent: Any = _ask(north, method, _url(rule.rule, dict.fromkeys(ids, UNKNOWN)), body)
            assert foreign.status_code in (404, 403), f"{method} {rule.rule}: {foreign.text}"
            assert foreign.status_code == absent.status_code, f"{method} {rule.rule}"
            assert foreign.get_json()["type"] == absent.get_json()["type"], rule.rule
            seen += 1
    assert seen > 25
    assert site.rows("SELECT id, version, state, holds FROM customer ORDER BY id") == before


def test_no_list_shows_another_branch(site: Site) -> None:
    north, ids = _foreign(site)
    for rule in site.app.url_map.iter_rules():
        if rule.arguments or "GET" not in (rule.methods or ()) or not rule.rule.startswith("/v1/"):
            continue
        answer = north.get(rule.rule)
        found = [one for one in ids.values() if one in answer.text]
        assert found == [], f"{rule.rule} shows {found}"


def test_a_filter_by_a_foreign_operator_is_as_by_none(site: Site) -> None:
    north, ids = _foreign(site)
    for url in ("/v1/customers", "/v1/deleted-customers"):
        assert north.get(f"{url}?operator_id={ids['operator_id']}").status_code == 404
    assert north.post(
        "/v1/customers", {"name": "X", "username": "x", "operator_id": ids["operator_id"]}
    ).status_code == 404  # fmt: skip


def test_row_level_security_holds_where_a_query_forgets_the_branch(site: Site) -> None:
    """API1: the second line."""
    north, ids = _foreign(site)
    with site.database.transaction(Scope(north.path)) as session:
        assert session.scalar(text("SELECT count(*) FROM customer")) == 0
        assert session.scalar(text("SELECT count(*) FROM operator")) == 1
    with site.database.transaction() as session:
        found = rows.lock(session, Scope(north.path), [UUID(ids["customer_id"])])
    assert found == {}


def test_a_manager_sees_the_whole_branch_below(site: Site) -> None:
    boss = site.operator("boss", "manager")
    below = site.operator("below", "reseller", boss)
    site.customer("rahim", below)
    site.customer("karim", boss)
    names = [one["username"] for one in boss.get("/v1/customers?sort=username").get_json()["items"]]
    assert names == ["karim", "rahim"]
    only = boss.get(f"/v1/customers?operator_id={below.id}").get_json()["items"]
    assert [one["username"] for one in only] == ["rahim"]
