"""Retention, the purge and legal holds: A41, F44, B13."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from customers import purging, retention
from customers.erasing_tasks import purge
from customers.jobs import kinds
from shared import jobs
from tests.customers.conftest import Caller, Site
from tests.customers.erasing import advance, answer, ask, certify

POLICIES = "/v1/retention-policies"


def put(site: Site, caller: Caller | None = None, **policy: Any) -> Any:
    caller = caller or site.admin
    etag = site.admin.get(POLICIES).headers["ETag"]
    return caller.call("PUT", POLICIES, {"items": [policy]}, If_Match=etag)


def run_jobs(site: Site) -> None:
    jobs.run_due(site.database, kinds(site.settings))


def due(site: Site, username: str, reason: str = "test_account") -> dict[str, Any]:
    made = site.deleted(username, reason)
    site.change(
        "UPDATE customer SET erase_after = now() - interval '1 day' WHERE id = :id", id=made["id"]
    )
    return made


def run_purge(site: Site) -> dict[str, Any]:
    return purging.purge(site.database)


def test_policies_are_read_and_changed_with_their_etag(site: Site) -> None:
    found = site.admin.get(POLICIES)
    by_reason = {one["reason"]: one for one in found.get_json()["items"]}
    assert by_reason["closed_account"]["retain_days"] == 1825
    assert by_reason["operator_error"]["retain_days"] is None
    body = {"items": [{"reason": "test_account", "retain_days": 3}]}
    assert site.admin.call("PUT", POLICIES, body).status_code == 428
    assert put(site, reason="test_account", retain_days=3).status_code == 200
    assert site.admin.call("PUT", POLICIES, body, If_Match=found.headers["ETag"]).status_code == 412
    (entry,) = site.admin.get("/v1/operations?action=retention_policy.changed").get_json()["items"]
    assert (entry["before"]["retain_days"], entry["after"]["retain_days"]) == (7, 3)


@pytest.mark.parametrize(
    "policy",
    [
        {"reason": "test_account", "retain_days": -1},
        {"reason": "test_account", "retain_days": "3"},
        {"reason": "boredom", "retain_days": 3},
        {"reason": "test_account"},
        {"reason": "test_account", "retain_days": 3, "mode": "gently"},
        {"reason": "test_account", "retain_days": 3, "more": 1},
    ],
)
def test_a_policy_that_means_nothing_is_refused(site: Site, policy: dict[str, Any]) -> None:
    assert put(site, **policy).status_code == 422


def test_a_policy_is_the_admins_and_a_reseller_does_not_even_see_it(site: Site) -> None:
    manager, reseller = site.operator("boss", "manager"), site.operator("north")
    assert manager.get(POLICIES).status_code == 200
    assert put(site, manager, reason="test_account", retain_days=3).status_code == 403
    assert reseller.get(POLICIES).status_code == 403


def test_a_changed_policy_counts_anew_for_those_deleted_before(site: Site) -> None:
    old, other = site.deleted("old", "test_account"), site.deleted("other", "closed_account")
    kept = site.one("SELECT erase_after FROM customer WHERE id = :id", id=other["id"]).erase_after
    assert put(site, reason="test_account", retain_days=3).get_json()["job_id"]
    run_jobs(site)
    row = site.one("SELECT * FROM customer WHERE id = :id", id=old["id"])
    assert row.erase_after - row.deleted_at == timedelta(days=3)
    put(site, reason="test_account", retain_days=None)
    run_jobs(site)
    assert site.one("SELECT erase_after FROM customer WHERE id = :id", id=old["id"])[0] is None
    assert site.one("SELECT erase_after FROM customer WHERE id = :id", id=other["id"])[0] == kept


def test_the_preview_counts_and_changes_nothing(site: Site) -> None:
    north = site.operator("north")
    due(site, "a"), due(site, "b")
    held = due(site, "c")
    site.admin.post(f"/v1/customers/{held['id']}/legal-hold", {"case": "7/26"})
    theirs = site.customer("d", north)
    north.post(f"/v1/customers/{theirs['id']}/delete", {"reason": "closed_account"})
    found = site.admin.get(f"{POLICIES}/preview").get_json()
    rows = {(row["reason"], row["operator_name"]): row for row in found["items"]}
    mine = next(row for (reason, _), row in rows.items() if reason == "test_account")
    assert (mine["would_erase"], mine["held"], mine["deleted"]) == (2, 1, 3)
    assert rows["closed_account", "North"]["later"] == 1 and found["would_erase"] == 2

    far = (datetime.now(UTC) + timedelta(days=2000)).isoformat().replace("+00:00", "Z")
    assert site.admin.get(f"{POLICIES}/preview?until={far}").get_json()["would_erase"] == 3
    what_if = f"{POLICIES}/preview?reason=closed_account&retain_days=0"
    assert site.admin.get(what_if).get_json()["would_erase"] == 3
    never = site.admin.get(f"{POLICIES}/preview?reason=test_account&never=true").get_json()
    assert never["would_erase"] == 0
    assert site.admin.get(f"{POLICIES}/preview?retain_days=3").status_code == 422
    assert site.rows("SELECT * FROM erasure") == []


def test_the_purge_erases_those_whose_time_is_over_and_no_others(site: Site) -> None:
    gone, kept = due(site, "gone"), site.deleted("kept", "test_account")
    result = run_purge(site)
    assert result["begun"] == 1
    advance(site)
    answer(site, result["erasures"][0], [gone["id"]])
    assert certify(site) == 1
    assert site.admin.get(f"/v1/deleted-customers/{gone['id']}").status_code == 410
    assert site.admin.get(f"/v1/deleted-customers/{kept['id']}").status_code == 200
    found = site.admin.get(f"/v1/erasures/{result['erasures'][0]}").get_json()
    assert (found["source"], found["requested_by"], found["mode"]) == (
        "retention", "system", "pseudonymise",
    )  # fmt: skip
    assert run_purge(site)["begun"] == 0


def test_a_run_is_bounded_and_takes_the_longest_due_first(site: Site) -> None:
    site.admin.patch("/v1/settings", {"purge_limit": 2})
    many = [due(site, f"old{n}") for n in range(3)]
    site.change(
        "UPDATE customer SET erase_after = now() - interval '9 days' WHERE id = :id",
        id=many[2]["id"],
    )
    assert run_purge(site)["limit_reached"]
    chosen = {str(row.customer_id) for row in site.rows("SELECT customer_id FROM erasure_subject")}
    assert len(chosen) == 2 and many[2]["id"] in chosen


def test_each_reason_has_its_mode(site: Site) -> None:
    put(site, reason="test_account", retain_days=7, mode="everything")
    due(site, "a", "test_account"), due(site, "b", "closed_account")
    run_purge(site)
    modes = {row.mode for row in site.rows("SELECT mode FROM erasure WHERE total = 1")}
    assert modes == {"pseudonymise", "everything"}


def test_the_kill_switch_stops_the_purge(site: Site) -> None:
    due(site, "a")
    site.admin.patch("/v1/settings", {"purge_paused": True})
    purge(site.database)
    assert site.rows("SELECT * FROM erasure") == []
    found = site.admin.get(POLICIES).get_json()
    assert found["paused"] and found["last_run"]["paused"]


def test_the_purge_runs_once_a_day_and_tells_when_it_does_not(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    before = site.admin.get(POLICIES).get_json()
    assert before["last_run_at"] is None and before["overdue"]
    due(site, "a")
    purge(site.database)
    due(site, "b")
    purge(site.database)
    found = site.admin.get(POLICIES).get_json()
    assert found["last_run_at"] and not found["overdue"] and found["last_run"]["begun"] == 1
    capsys.readouterr()
    site.change("UPDATE tick SET at = now() - interval '27 hours', slot = slot - 1")
    site.change("INSERT INTO tick (name, slot) SELECT name, slot + 1 FROM tick WHERE name = :n",
                n=retention.PURGE)  # fmt: skip
    assert site.admin.get(POLICIES).get_json()["overdue"]
    retention.watch(site.database)
    assert "retention.overdue" in capsys.readouterr().out


def test_who_is_under_legal_hold_stays_f44(site: Site) -> None:
    held = due(site, "held")
    place = f"/v1/customers/{held['id']}/legal-hold"
    answered = site.admin.post(place, {"case": "7/26"})
    assert answered.status_code == 200 and answered.get_json()["case"] == "7/26"
    assert run_purge(site)["begun"] == 0
    body = {"confirm": held["customer_number"], "legal_basis": "wish"}
    refused = site.admin.bulk(f"/v1/deleted-customers/{held['id']}/erase", body)
    assert refused.status_code == 409
    assert refused.get_json()["errors"][0]["resolve"] == f"DELETE {place}"
    assert site.admin.delete(place).status_code == 200
    assert site.admin.delete(place).status_code == 404
    assert run_purge(site)["begun"] == 1
    log = site.admin.get(f"/v1/operations?subject={held['id']}").get_json()["items"]
    assert {"customer.legal_hold_placed", "customer.legal_hold_lifted"} <= {
        o["action"] for o in log
    }


def test_a_legal_hold_refuses_deletion_and_ends_by_itself(site: Site) -> None:
    made = site.customer("rahim")
    place = f"/v1/customers/{made['id']}"
    past = {"case": "1", "until": "2020-01-01T00:00:00Z"}
    assert site.admin.post(f"{place}/legal-hold", past).status_code == 422
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert site.admin.post(f"{place}/legal-hold", {"case": "1", "until": soon}).status_code == 200
    refused = site.admin.post(f"{place}/delete", {"reason": "closed_account"})
    assert refused.status_code == 409 and "legal_hold" in refused.text
    site.change(
        "UPDATE customer SET legal_hold = jsonb_set(legal_hold, '{until}', '\"2020-01-01T00:00Z\"')"
    )
    assert run_purge(site)["legal_holds_ended"] == 1
    assert site.admin.post(f"{place}/delete", {"reason": "closed_account"}).status_code == 200
    log = site.admin.get(f"/v1/operations?subject={made['id']}").get_json()["items"]
    assert log[1]["action"] == "customer.legal_hold_ended" and log[1]["before"]["case"] == "1"


def test_only_who_stands_as_high_lifts_a_legal_hold(site: Site) -> None:
    boss, other = site.operator("boss", "manager"), site.operator("other", "manager")
    made = site.customer("rahim", boss)
    place = f"/v1/customers/{made['id']}/legal-hold"
    assert site.admin.post(place, {"case": "7/26"}).status_code == 200
    seen = boss.get(f"/v1/customers/{made['id']}").get_json()["legal_hold"]
    assert set(seen) == {"case", "until", "by", "at"} and seen["case"] == "7/26"
    (listed,) = boss.get("/v1/customers").get_json()["items"]
    assert listed["legal_hold"] == seen
    assert boss.delete(place).status_code == 403
    assert boss.post(place, {"case": "mine"}).status_code == 403
    assert other.delete(place).status_code == 404
    assert site.admin.delete(place).status_code == 200


def test_an_erased_customer_takes_no_legal_hold_any_more(site: Site) -> None:
    gone = site.deleted("rahim")
    ask(site, gone)
    advance(site)
    late = site.admin.post(f"/v1/customers/{gone['id']}/legal-hold", {"case": "late"})
    assert late.status_code == 410


def test_a_purge_that_nobody_runs_raises_the_alarm_in_the_metrics(site: Site) -> None:
    """A41: no heartbeat for more than 26 hours."""

    def shown() -> str:
        return site.app.test_client().get("/metrics").text

    assert "tenure_purge_overdue 1.0" in shown() and "tenure_purge_age_seconds -1.0" in shown()
    purge(site.database)
    assert "tenure_purge_overdue 0.0" in shown()
    site.change("UPDATE tick SET at = now() - interval '27 hours' WHERE name = 'customers.purge'")
    assert "tenure_purge_overdue 1.0" in shown()
