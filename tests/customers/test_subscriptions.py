"""The money of a customer as payments tells of it: newest wins, and the holds follow."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.events import Wire
from tests.customers.conftest import Site

Account = Callable[..., Wire]


def _active(site: Site, username: str = "rahim", **more: Any) -> dict[str, Any]:
    made = site.customer(username, package_id=site.package(f"for {username}"), **more)
    answer: Any = site.admin.post(f"/v1/customers/{made['id']}/activate")
    return dict(answer.get_json())


def _seen(site: Site, made: dict[str, Any]) -> dict[str, Any]:
    return dict(site.admin.get(f"/v1/customers/{made['id']}").get_json())


def test_overdue_suspends_and_a_payment_lifts_it_by_itself(site: Site, account: Account) -> None:
    """C9, C10."""
    made = _active(site)
    site.hear(account(made["id"], 1, outstanding="500.00", overdue=True))
    suspended = _seen(site, made)
    assert (suspended["status"], suspended["status_reason"]) == ("suspended", "overdue")
    assert suspended["balance"] == {"amount": "500.00", "currency": "BDT"}
    event = site.events(made["id"])[-1]
    assert event.type == "customer.status_changed"
    assert event.data["customer"]["holds"] == ["overdue"]
    site.hear(account(made["id"], 2, type="account.settled"))
    assert _seen(site, made)["status"] == "active"
    assert site.one("SELECT lifted_by FROM hold").lifted_by == "system"


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_doubles_and_any_order_end_the_same(
    site: Site, account: Account, order: tuple[int, ...]
) -> None:
    """Promise 1: lost order, doubles and replays are one case."""
    made = _active(site)
    facts = {
        1: account(made["id"], 1, outstanding="500.00", overdue=True),
        2: account(made["id"], 2, type="account.settled"),
        3: account(made["id"], 3, outstanding="20.00"),
    }
    for number in (*order, *order):
        site.hear(facts[number])
    site.hear(*(facts[number] for number in order))
    seen = _seen(site, made)
    assert (seen["status"], seen["balance"]["amount"]) == ("active", "20.00")


def test_a_postponed_suspension_shows_lifted_and_payment_removes_the_date(
    site: Site, account: Account
) -> None:
    """C14, C15, C28."""
    made = _active(site)
    site.hear(account(made["id"], 1, outstanding="500.00", overdue=True))
    until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    site.admin.post(f"/v1/customers/{made['id']}/lift-suspension", {"until": until})
    assert _seen(site, made)["status"] == "suspension_lifted"
    site.hear(account(made["id"], 2, type="account.settled"))
    seen = _seen(site, made)
    assert (seen["status"], seen["lift_suspension_until"]) == ("active", None)
    assert site.events(made["id"])[-1].data["customer"]["lift_suspension_until"] is None


def test_what_is_paid_before_it_is_overdue_removes_the_date_too(
    site: Site, account: Account
) -> None:
    """C15: made beside a promise, or ahead of the due date, a postponement ends with the debt."""
    made = _active(site)
    site.hear(account(made["id"], 1, outstanding="500.00"))
    until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    site.admin.post(f"/v1/customers/{made['id']}/lift-suspension", {"until": until})
    site.hear(account(made["id"], 2, outstanding="100.00"))
    assert _seen(site, made)["lift_suspension_until"] is not None
    site.hear(account(made["id"], 3))
    assert _seen(site, made)["lift_suspension_until"] is None
    assert site.events(made["id"])[-1].data["customer"]["lift_suspension_until"] is None


def test_a_class_that_limits_limits(site: Site, account: Account) -> None:
    """C16, C18."""
    site.change("UPDATE customer_class SET overdue_effect = 'limit'")
    made = _active(site)
    site.hear(account(made["id"], 1, outstanding="500.00", overdue=True))
    assert _seen(site, made)["status"] == "service_limited"


def test_a_postpaid_balance_above_the_credit_limit_exceeds_it_and_comes_back(
    site: Site, account: Account
) -> None:
    """C24, C42-C43: exactly at the limit is not above it."""
    limit = {"amount": "100.00", "currency": "BDT"}
    made = _active(site, balance_control="postpaid", credit_limit=limit)
    site.hear(account(made["id"], 1, outstanding="100.00"))
    assert _seen(site, made)["status"] == "active"
    site.hear(account(made["id"], 2, outstanding="100.01"))
    assert _seen(site, made)["status"] == "credit_exceeded"
    site.hear(account(made["id"], 3, outstanding="50.00"))
    assert _seen(site, made)["status"] == "active"


def test_c42_c44_a_balance_is_kept_however_long_payments_books_have_it(
    site: Site, account: Account
) -> None:
    """A payment typed with too many zeros must not become a dead letter: payments holds 18 digits."""
    made = _active(site)
    most = "99999999999999.99"
    site.hear(account(made["id"], 1, outstanding=most, available_funds=most))
    seen = _seen(site, made)
    assert (seen["balance"]["amount"], seen["available_funds"]["amount"]) == (most, most)


def test_no_funds_stop_pay_as_you_go_only(site: Site, account: Account) -> None:
    """C26, C27; in other classes a period is paid in advance and funds of zero are normal."""
    made = _active(site)
    site.hear(account(made["id"], 1, available_funds="0"))
    assert _seen(site, made)["status"] == "active"
    site.change("UPDATE customer_class SET pay_as_you_go = true")
    site.hear(account(made["id"], 2, available_funds="0"))
    assert _seen(site, made)["status"] == "no_available_funds"
    site.hear(account(made["id"], 3, available_funds="0.01"))
    assert _seen(site, made)["status"] == "active"


def test_a_batch_of_many_customers_is_taken_in_one_transaction(
    site: Site, account: Account
) -> None:
    made = [_active(site, f"many{n}") for n in range(5)]
    site.hear(
        *(
            account(one["id"], 10 + n, outstanding=f"{n}.00", overdue=n % 2 == 1)
            for n, one in enumerate(made)
        )
    )
    seen = [_seen(site, one) for one in made]
    assert [one["status"] for one in seen] == ["active", "suspended"] * 2 + ["active"]
    assert [one["balance"]["amount"] for one in seen] == [f"{n}.00" for n in range(5)]


def test_an_account_of_an_unknown_customer_is_no_dead_letter(site: Site, account: Account) -> None:
    site.hear(account("00000000-0000-7000-8000-00000000abcd", 1, overdue=True))
    assert site.rows("SELECT id FROM hold") == []


def test_a_payment_that_settles_thaws_the_automatic_ones(site: Site, account: Account) -> None:
    """C29: lifted by a successful payment of another kind; an overdue bill alone lifts nothing."""
    made = _active(site)
    site.admin.post(f"/v1/customers/{made['id']}/holds", {"kind": "payment_frozen"})
    assert _seen(site, made)["status"] == "payment_frozen"
    site.hear(account(made["id"], 1, outstanding="500.00", overdue=True))
    assert {hold["kind"] for hold in _seen(site, made)["holds"]} == {"overdue", "payment_frozen"}
    site.hear(account(made["id"], 2, type="account.settled"))
    assert _seen(site, made)["status"] == "active" and _seen(site, made)["holds"] == []


def test_repeated_errors_freeze_automatic_payments_and_any_payment_thaws_them(
    site: Site, account: Account
) -> None:
    """C29: payments says when; what an operator froze by hand stays."""
    made, by_hand = _active(site), _active(site, "karim")
    site.admin.post(f"/v1/customers/{by_hand['id']}/holds", {"kind": "payment_frozen"})
    site.hear(account(made["id"], 1, payment_frozen=True), account(by_hand["id"], 1))
    site.hear(account(made["id"], 2, payment_frozen=True))
    assert _seen(site, made)["status"] == "payment_frozen"
    assert len(_seen(site, made)["holds"]) == 1
    site.hear(account(made["id"], 3), account(by_hand["id"], 2))
    assert _seen(site, made)["status"] == "active"
    assert _seen(site, by_hand)["status"] == "payment_frozen"
