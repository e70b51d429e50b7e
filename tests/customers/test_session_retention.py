"""How long sessions are kept, by the reason of the deletion, and what the preview says of it (A41)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.customers.conftest import Site
from tests.customers.sessions import asked, due, lying
from tests.customers.test_retention import POLICIES, put, run_jobs, run_purge


def test_each_reason_keeps_sessions_for_its_own_days_a41(site: Site) -> None:
    assert put(site, reason="test_account", retain_days=7, sessions_days=2).status_code == 200
    made = lying(site, site.deleted("rahim", "test_account"))
    deleted_at = datetime.fromisoformat(made["deleted_at"])
    assert datetime.fromisoformat(made["erase_after"]) - deleted_at == timedelta(days=7)
    assert datetime.fromisoformat(made["sessions_erase_after"]) - deleted_at == timedelta(days=2)
    other = lying(site, site.deleted("karim", "closed_account"))
    assert (other["sessions_erase_after"], other["sessions_erased"]) == (None, None)
    moved = site.admin.patch(f"/v1/deleted-customers/{other['id']}", {"reason": "test_account"})
    assert moved.get_json()["sessions_erase_after"] is not None


@pytest.mark.parametrize("days", [8, 36_501, -1, "2"])
def test_sessions_are_never_kept_longer_than_the_person_a41(site: Site, days: Any) -> None:
    refused = put(site, reason="test_account", retain_days=7, sessions_days=days)
    assert refused.status_code == 422
    (error,) = refused.get_json()["errors"]
    assert error["pointer"] == "/items/0/sessions_days"
    if days == 8:
        assert error["code"] == "longer_than_person" and "7 days" in error["detail"]


def test_who_does_not_name_a_class_leaves_its_days_as_they_are(site: Site) -> None:
    put(site, reason="test_account", retain_days=7, sessions_days=2)
    put(site, reason="test_account", retain_days=9)
    by_reason = {one["reason"]: one for one in site.admin.get(POLICIES).get_json()["items"]}
    assert (by_reason["test_account"]["retain_days"], by_reason["test_account"]["sessions_days"]) == (
        9, 2,
    )  # fmt: skip
    assert put(site, reason="test_account", retain_days=1).status_code == 422
    assert put(site, reason="operator_error", retain_days=None, sessions_days=90).status_code == 200
    put(site, reason="test_account", retain_days=9, sessions_days=None)
    changes = site.admin.get("/v1/operations?action=retention_policy.changed").get_json()["items"]
    assert (changes[0]["before"]["sessions_days"], changes[0]["after"]["sessions_days"]) == (
        2,
        None,
    )


def test_changed_days_count_anew_for_those_deleted_before(site: Site) -> None:
    old = site.deleted("old", "test_account")
    put(site, reason="test_account", retain_days=7, sessions_days=3)
    run_jobs(site)
    row = site.one("SELECT * FROM customer WHERE id = :id", id=old["id"])
    assert row.sessions_erase_after - row.deleted_at == timedelta(days=3)
    assert row.erase_after - row.deleted_at == timedelta(days=7)
    put(site, reason="test_account", retain_days=7, sessions_days=0)
    run_jobs(site)
    assert run_purge(site)["sessions_begun"] == 1
    put(site, reason="test_account", retain_days=7, sessions_days=1)
    run_jobs(site)
    # What is given up is not given up twice.
    assert lying(site, old)["sessions_erase_after"] is None


def test_the_mode_of_the_reason_is_that_of_its_sessions(site: Site) -> None:
    put(site, reason="test_account", retain_days=7, sessions_days=2, mode="everything")
    made = due(site, "rahim", "test_account")
    run_purge(site)
    assert asked(site, made)[0].data["mode"] == "everything"


def test_the_preview_counts_sessions_beside_persons(site: Site) -> None:
    due(site, "a")
    held = due(site, "held")
    site.admin.post(f"/v1/customers/{held['id']}/legal-hold", {"case": "7/26"})
    site.deleted("later", "test_account")
    found = site.admin.get(f"{POLICIES}/preview").get_json()
    assert (found["would_erase"], found["would_erase_sessions"]) == (0, 1)
    row = next(each for each in found["items"] if each["reason"] == "closed_account")
    assert (row["would_erase_sessions"], row["sessions_held"]) == (1, 1)
    what_if = f"{POLICIES}/preview?reason=test_account&sessions_days=0"
    assert site.admin.get(what_if).get_json()["would_erase_sessions"] == 2
    both = site.admin.get(f"{what_if}&retain_days=0").get_json()
    assert (both["would_erase"], both["would_erase_sessions"]) == (1, 2)
    assert site.admin.get(f"{POLICIES}/preview?sessions_days=3").status_code == 422
    run_purge(site)
    found = site.admin.get(f"{POLICIES}/preview?reason=closed_account&sessions_days=0").get_json()
    row = next(each for each in found["items"] if each["reason"] == "closed_account")
    assert (row["would_erase_sessions"], row["sessions_erased"]) == (0, 1)
    assert len(site.rows("SELECT FROM session_erasure")) == 1
