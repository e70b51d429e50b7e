"""Who looked at or fetched personal data: one line per answer, beside the read, gone after a year."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from customers.api.access import SHOWS
from customers.exporting import RESOURCES
from customers.jobs import kinds
from shared import access_log, jobs
from shared.access_log import AccessLog, Look
from shared.database import Database
from tests.customers.conftest import Caller, Site
from tests.customers.erasing import erase
from tests.support.waiting import until

# GET routes that show nobody's data but operators' own, rules, counts and states.
SHOWS_NOBODY = frozenset(
    {
        "/.well-known/jwks.json", "/docs", "/livez", "/metrics", "/readyz", "/v1/access-log",
        "/v1/data-subjects/<uuid:customer_id>",
        "/v1/customer-classes", "/v1/customer-classes/<uuid:class_id>", "/v1/dead-letters",
        "/v1/erasures", "/v1/erasures/<uuid:erasure_id>",
        "/v1/erasures/<uuid:erasure_id>/certificate", "/v1/erasures/<uuid:erasure_id>/subjects",
        "/v1/exports", "/v1/exports/<uuid:export_id>", "/v1/imports",
        "/v1/imports/<uuid:import_id>", "/v1/jobs", "/v1/jobs/<uuid:job_id>",
        "/v1/jobs/<uuid:job_id>/events", "/v1/me", "/v1/operations/head",
        "/v1/operations/heads", "/v1/operations/verify", "/v1/operators",
        "/v1/operators/<uuid:operator_id>", "/v1/operators/<uuid:operator_id>/api-keys",
        "/v1/packages", "/v1/packages/<uuid:package_id>",
        "/v1/preferences/<string(maxlength=60):table_name>", "/v1/retention-policies",
        "/v1/retention-policies/preview", "/v1/settings", "/v1/views", "/v1/webhook-endpoints",
        "/v1/webhook-endpoints/<uuid:endpoint_id>",
        "/v1/webhook-endpoints/<uuid:endpoint_id>/deliveries",
    }
)  # fmt: skip


def looks(site: Site, caller: Caller | None = None, query: str = "") -> list[dict[str, Any]]:
    assert site.app.extensions["tenure.access_log"].flush()
    answer = (caller or site.admin).get(f"/v1/access-log?{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["items"])


def test_every_get_route_says_whether_it_shows_a_person(site: Site) -> None:
    """A new route is a decision, made in api/access.py or here."""
    routes = {
        rule.rule
        for rule in site.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.endpoint.startswith(("static", "api-docs."))
    }
    assert routes == set(SHOWS) | SHOWS_NOBODY
    assert not set(SHOWS) & SHOWS_NOBODY


def test_records_lists_and_searches_are_logged_with_counts_and_without_what_was_typed(
    site: Site,
) -> None:
    """A39."""
    made = [site.customer(f"rahim{n}") for n in range(3)]
    gone = site.deleted("karim")
    site.admin.get(f"/v1/customers/{made[0]['id']}")
    site.admin.get("/v1/customers?q=rahim&limit=2")
    site.admin.get(f"/v1/deleted-customers/{gone['id']}")
    site.admin.get(f"/v1/customers/{gone['id']}")
    found = looks(site)
    assert [(one["what"], one["subject"], one["records"]) for one in reversed(found)] == [
        ("customer", made[0]["id"], 1),
        ("customers", None, 2),
        ("deleted_customer", gone["id"], 1),
    ]
    assert {one["actor"] for one in found} == {"admin"}
    assert {one["ip"] for one in found} == {"127.0.0.1"}
    assert "rahim" not in str(site.rows("SELECT * FROM access_log"))
    assert [one["what"] for one in looks(site, query=f"subject={gone['id']}")] == [
        "deleted_customer"
    ]
    assert [one["what"] for one in looks(site, query="what=customers&actor=admin")] == ["customers"]
    assert looks(site, query="to=2020-01-01T00:00:00Z") == []


def test_a_fetched_file_counts_its_rows(site: Site) -> None:
    """E24."""
    for n in range(3):
        site.customer(f"rahim{n}")
    asked = site.admin.bulk("/v1/exports", {"resource": RESOURCES[0].name, "format": "csv"})
    jobs.run_due(site.database, kinds(site.settings))
    place = f"/v1/exports/{asked.get_json()['export_id']}/file"
    answer = site.admin.get(place)
    assert answer.status_code == 200 and answer.data.count(b"\n") >= 3
    answer.close()
    (found,) = looks(site, query="what=export_file")
    assert found["records"] == 3 and found["subject"] == asked.get_json()["export_id"]


def test_an_operator_sees_who_of_the_own_branch_looked(site: Site) -> None:
    boss = site.operator("boss", "manager")
    below, other = site.operator("below", "reseller", boss), site.operator("other", "reseller")
    for caller in (site.admin, boss, below, other):
        caller.get("/v1/customers")
    assert {one["actor"] for one in looks(site, boss)} == {"boss", "below"}
    assert {one["actor"] for one in looks(site, other)} == {"other"}
    assert {one["actor"] for one in looks(site)} == {"admin", "boss", "below", "other"}


def test_an_erasure_leaves_who_looked_at_the_id_or_nothing(site: Site) -> None:
    """A37: in the mode `everything` that goes as well."""
    kept, gone = site.deleted("rahim"), site.deleted("karim")
    for one in (kept, gone):
        site.admin.get(f"/v1/deleted-customers/{one['id']}")
    assert len(looks(site)) == 2
    site.change("UPDATE customer SET erase_after = now()")
    erase(site, kept)
    erase(site, gone, mode="everything")
    assert [one["subject"] for one in looks(site, query="what=deleted_customer")] == [kept["id"]]


def test_looks_wait_while_the_database_is_away_and_the_read_never_does(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.admin.get("/v1/customers")
    kept: AccessLog = site.app.extensions["tenure.access_log"]

    def away(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("away"))

    with monkeypatch.context() as patch:
        patch.setattr(access_log, "write", away)
        assert not kept.flush()
        assert site.admin.get("/v1/customers").status_code == 200
    assert len(looks(site)) == 2


def test_the_timer_writes_by_itself(site: Site) -> None:
    kept = AccessLog(site.database, seconds=0.01)
    known: Look = _look()
    kept.add(known)
    until(lambda: site.rows("SELECT * FROM access_log WHERE what = 'customer.test'"))
    kept.close()


def test_a_closed_database_is_asked_nothing_more_and_has_got_what_waited(site: Site) -> None:
    own = Database(site.settings)
    kept = AccessLog(own, seconds=0.01)
    kept.add(_look())
    own.close()
    kept.add(_look())
    assert len(site.rows("SELECT * FROM access_log WHERE what = 'customer.test'")) == 1
    assert kept.timer is None or not kept.timer.is_alive()
    assert own.engine.pool.checkedin() == own.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def _look() -> Look:
    return Look(
        at=datetime.now(UTC), actor="a", actor_id=None, operator_path="1/", ip=None,
        request_id="r", what="customer.test", subject=None, records=1,
    )  # fmt: skip


def test_a_year_later_it_is_gone(site: Site) -> None:
    site.admin.get("/v1/customers")
    looks(site)
    site.change("UPDATE access_log SET at = now() - interval '366 days'")
    site.admin.get("/v1/deleted-customers")
    assert [row["what"] for row in looks(site)] == ["deleted_customers"]
