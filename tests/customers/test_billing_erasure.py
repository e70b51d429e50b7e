"""Retention by data class: billing goes later than the person, with a receipt (A40, A41)."""

from typing import Any

import pytest

from customers import retention
from customers.subscriptions import SUBSCRIPTIONS
from shared.database import uuid7
from shared.events import Wire
from shared.inbox import take
from tests.customers.conftest import Site
from tests.customers.erasing import erase
from tests.customers.test_retention import POLICIES, put, run_purge

YEARS = 3650


def erased(site: Site, username: str, reason: str = "test_account", **more: Any) -> dict[str, Any]:
    """Deleted ten years ago, and erased since."""
    made = site.deleted(username, reason)
    site.change(
        "UPDATE customer SET deleted_at = now() - interval '3650 days', erase_after = now()"
        " WHERE id = :id",
        id=made["id"],
    )
    return made | {"erasure": erase(site, made, **more)}


def asked(site: Site, customer: dict[str, Any]) -> list[Any]:
    return [e for e in site.events(customer["id"]) if e.type == "customer.billing_erasing"]


def receipt(event: Any) -> Wire:
    data = event.data | {"rows": {"payment": 2, "bill": 3}, "digest": "d1"}
    return {
        "id": str(uuid7()), "type": "customer.billing_erased", "subject": str(event.subject),
        "sequence": 1, "operatorpath": event.operator_path, "data": data,
    }  # fmt: skip


def hear(site: Site, *events: Wire) -> None:
    take(site.database, SUBSCRIPTIONS, "payments", list(events))
    assert site.rows("SELECT error FROM dead_letter") == []


def subject(site: Site, customer: dict[str, Any]) -> dict[str, Any]:
    place = f"/v1/erasures/{customer['erasure']}/subjects"
    (found,) = site.admin.get(place).get_json()["items"]
    return dict(found)


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"retain_days": 30, "billing_days": 29}, "shorter_than_person"),
        ({"retain_days": 30, "billing_days": 60, "mode": "everything"}, "goes_with_person"),
        ({"retain_days": 30, "billing_days": -1}, "invalid"),
    ],
)
def test_billing_never_goes_before_the_person_nor_after_everything_a41(
    site: Site, policy: dict[str, Any], code: str
) -> None:
    refused = put(site, reason="test_account", **policy)
    assert refused.status_code == 422
    (error,) = refused.get_json()["errors"]
    assert (error["pointer"], error["code"]) == ("/items/0/billing_days", code)


def test_nobodys_billing_is_kept_for_the_days_of_the_reason_and_no_longer_a40(site: Site) -> None:
    made, other = erased(site, "rahim"), erased(site, "karim", "closed_account")
    assert run_purge(site)["billing_begun"] == 0, "kept for good unless a policy says otherwise"
    put(site, reason="test_account", retain_days=7, billing_days=YEARS + 1)
    assert run_purge(site)["billing_begun"] == 0
    put(site, reason="test_account", retain_days=7, billing_days=YEARS)
    assert run_purge(site)["billing_begun"] == 1
    (event,) = asked(site, made)
    row = site.one("SELECT version, state FROM customer WHERE id = :i", i=made["id"])
    assert (event.sequence, row.state) == (row.version, "erasing")
    assert event.data == {"erasure_id": made["erasure"]}
    assert asked(site, other) == []
    found = subject(site, made)
    assert found["billing_asked_at"] and found["billing_erased_at"] is None

    hear(site, receipt(event))
    hear(site, receipt(event))
    found = subject(site, made)
    assert (found["billing_rows"], found["billing_digest"]) == ({"payment": 2, "bill": 3}, "d1")
    log = site.admin.get(f"/v1/operations?subject={made['id']}").get_json()["items"]
    actions = [entry["action"] for entry in log]
    assert actions[:2] == ["customer.billing_erased", "customer.billing_erasing"]
    assert log[0]["after"]["rows"] == {"payment": 2, "bill": 3}
    assert run_purge(site)["billing_begun"] == 0


def test_what_went_with_everything_is_not_asked_for_again(site: Site) -> None:
    made = erased(site, "rahim", mode="everything")
    put(site, reason="test_account", retain_days=0, billing_days=0)
    assert run_purge(site)["billing_begun"] == 0
    assert asked(site, made) == []


def test_the_purge_of_billing_is_bounded_and_paused(site: Site) -> None:
    for n in range(3):
        erased(site, f"many{n}")
    put(site, reason="test_account", retain_days=7, billing_days=YEARS)
    site.admin.patch("/v1/settings", {"purge_paused": True})
    assert run_purge(site)["billing_begun"] == 0
    site.admin.patch("/v1/settings", {"purge_paused": False, "purge_limit": 2})
    first = run_purge(site)
    assert (first["billing_begun"], first["billing_limit_reached"]) == (2, True)
    assert run_purge(site)["billing_begun"] == 1


def test_the_preview_counts_whose_billing_would_go(site: Site) -> None:
    erased(site, "rahim")

    def counted(query: str = "") -> int:
        found = site.admin.get(f"{POLICIES}/preview{query}").get_json()
        return int(found["would_erase_billing"])

    assert counted() == 0
    what_if = "?reason=test_account&billing_days="
    assert (counted(f"{what_if}{YEARS}"), counted(f"{what_if}{YEARS + 9}")) == (1, 0)
    put(site, reason="test_account", retain_days=7, billing_days=YEARS)
    assert counted() == 1
    assert site.admin.get(f"{POLICIES}/preview?billing_days=3").status_code == 422
    run_purge(site)
    assert counted() == 0


def test_a_claim_that_payments_does_not_answer_for_a_day_raises_the_alarm(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    made = erased(site, "rahim")
    put(site, reason="test_account", retain_days=7, billing_days=YEARS)
    run_purge(site)
    site.change("UPDATE erasure_subject SET billing_asked_at = now() - interval '25 hours'")
    assert site.admin.get(POLICIES).get_json()["billing_unanswered"] == 1
    capsys.readouterr()
    retention.watch(site.database)
    assert "retention.billing_unanswered" in capsys.readouterr().out
    hear(site, receipt(asked(site, made)[0]))
    assert site.admin.get(POLICIES).get_json()["billing_unanswered"] == 0


def test_a_backup_that_forgot_the_claim_hears_the_receipt_and_asks_no_more_f36(site: Site) -> None:
    made = erased(site, "rahim")
    put(site, reason="test_account", retain_days=7, billing_days=YEARS)
    run_purge(site)
    told = receipt(asked(site, made)[0])
    site.change("UPDATE erasure_subject SET billing_asked_at = NULL")
    hear(site, told)
    assert run_purge(site)["billing_begun"] == 0
    assert subject(site, made)["billing_rows"] == {"payment": 2, "bill": 3}
