"""Why offline: what the books know of each reason, with links that can be followed."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.events import Wire
from tests.customers.conftest import Caller, Site

Account = Callable[..., Wire]


def _why(caller: Caller, made: dict[str, Any]) -> dict[str, Any]:
    told: Any = caller.get(f"/v1/customers/{made['id']}/why-offline").get_json()
    return {one["code"]: one for one in told["reasons"] if one["source"] == "books"}


def _active(site: Site, caller: Caller, **more: Any) -> dict[str, Any]:
    made = site.customer("rahim", caller, package_id=site.package("Home 10"), **more)
    answer = caller.post(f"/v1/customers/{made['id']}/activate")
    assert answer.status_code == 200, answer.text
    return made


def test_a_block_is_told_with_who_why_and_the_call_that_lifts_it(site: Site) -> None:
    """C5: one line for each who holds; the link is followed as it stands."""
    north = site.operator("north")
    made = _active(site, north)
    place = f"/v1/customers/{made['id']}/holds"
    site.admin.post(place, {"kind": "admin", "reason": "court order"})
    north.post(place, {"kind": "admin", "reason": "abuse"})
    told: Any = site.admin.get(f"/v1/customers/{made['id']}/why-offline").get_json()
    court, abuse = (one for one in told["reasons"] if one["source"] == "books")
    assert court["detail"].startswith("Set by admin on 2") and "court order" in court["detail"]
    assert abuse["detail"].startswith("Set by north on 2") and "abuse" in abuse["detail"]
    holds: Any = site.admin.get(f"/v1/customers/{made['id']}").get_json()["holds"]
    assert [one["at"] for one in (court, abuse)] == [one["since"] for one in holds]
    for one in (court, abuse):
        link = one["what_to_do"].partition("DELETE ")[2].rstrip(".")
        assert site.admin.delete(link).status_code == 200
    assert _why(site.admin, made) == {}


def test_money_is_told_with_its_amount_and_date(site: Site, account: Account) -> None:
    """C9, C19, C22, C24."""
    limit = {"amount": "100.00", "currency": "BDT"}
    made = _active(site, site.admin, balance_control="postpaid", credit_limit=limit)
    site.hear(account(made["id"], 1, outstanding="500.50", overdue=True))
    site.change("UPDATE hold SET since = '2026-01-10T06:30:00Z'")
    why = _why(site.admin, made)
    assert why["suspended"]["detail"] == (
        "500.50 BDT is owed; overdue since 2026-01-10 12:30 Asia/Dhaka."
    )
    assert why["suspended"]["at"] == "2026-01-10T06:30:00+00:00"
    assert f"/v1/customers/{made['id']}/lift-suspension" in why["suspended"]["what_to_do"]
    assert why["credit_exceeded"]["detail"] == (
        "500.50 BDT is owed, over the credit limit of 100.00 BDT since 2026-01-10 12:30 Asia/Dhaka."
    )
    site.change("UPDATE hold SET kind = 'terminated' WHERE kind = 'overdue'")
    site.change("UPDATE customer SET holds = '{credit,terminated}'")
    assert _why(site.admin, made)["provisionally_terminated"]["detail"] == (
        "Terminated since 2026-01-10 12:30 Asia/Dhaka; closed for good on 2026-02-09 12:30 Asia/Dhaka."
    )


def test_funds_and_a_pause_are_told_with_what_ends_them(site: Site, account: Account) -> None:
    """C11, C26."""
    site.change("UPDATE customer_class SET pay_as_you_go = true, funds_suspend = true")
    made = _active(site, site.admin)
    site.hear(account(made["id"], 1, available_funds="-2.5"))
    until = "2099-01-01T00:00:00+00:00"
    site.admin.post(f"/v1/customers/{made['id']}/holds", {"kind": "vacation", "until": until})
    why = _why(site.admin, made)
    assert why["suspended"]["detail"].startswith("The available funds are -2.50 BDT since")
    assert "lift-suspension" not in why["suspended"]["what_to_do"], "it would not help"
    assert why["vacation"]["detail"].endswith("It ends on 2099-01-01 06:00 Asia/Dhaka.")


@pytest.mark.parametrize(
    ("change", "code", "detail"),
    [
        ("expires_at = '2026-01-10T00:00Z'", "inactive", "Home 10 ended on 2026-01-10 06:00 Asia/Dhaka."),
        ("expires_at = NULL, activated_at = NULL", "inactive", "No package was activated yet."),
        ("closed_at = '2026-01-10T00:00Z'", "closed", "Closed since 2026-01-10 06:00 Asia/Dhaka."),
        ("exported_at = '2026-01-10T00:00Z'", "exported", "Exported since 2026-01-10 06:00 Asia/Dhaka."),
        ("activated_at = NULL, restored_at = now()", "inactive",
         "Restored: no package is renewed since then."),
    ],
)  # fmt: skip
def test_what_the_customer_itself_shows_is_told_with_its_date(
    site: Site, change: str, code: str, detail: str
) -> None:
    """C3, C32, A31, B12."""
    made = _active(site, site.admin)
    site.change(f"UPDATE customer SET {change}")
    found = _why(site.admin, made)[code]
    assert found["detail"] == detail and found["at"] is not None


def test_what_stands_above_is_told_to_who_may_see_it(site: Site) -> None:
    """Statuses 3 and 6: a branch sees that it is held, not who stands above and what they wrote."""
    boss = site.operator("boss", "manager")
    below = site.operator("below", "reseller", boss)
    made = _active(site, below)
    site.admin.post(f"/v1/operators/{boss.id}/holds", {"kind": "fraud", "reason": "owes us"})
    seen = _why(site.admin, made)["reseller_blocked"]
    assert seen["detail"].startswith("On the operator Boss. Set by admin on 2")
    assert "owes us" in seen["detail"]
    unseen = _why(below, made)["reseller_blocked"]
    assert (unseen["detail"], unseen["at"]) == (None, None)
    assert str(boss.id) not in unseen["what_to_do"]
    link = seen["what_to_do"].partition("DELETE ")[2].rstrip(".")
    assert site.admin.delete(link).status_code == 200
    assert _why(below, made) == {}
