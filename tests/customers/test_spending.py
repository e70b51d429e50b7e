"""The spending limit: reached by the day's expenses, walled until midnight (C30, C31)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers import lapsing
from shared.events import Wire
from tests.customers.conftest import Site, make_site

Account = Callable[..., Wire]
# Far from now, so that no test meets the end of its day.
LATER = (datetime.now(UTC) + timedelta(hours=20)).isoformat()
OVER = (datetime.now(UTC) - timedelta(hours=1)).isoformat()


def bdt(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "BDT"}


def limited(site: Site, limit: str | None = "50.00", username: str = "rahim") -> dict[str, Any]:
    more: dict[str, Any] = {} if limit is None else {"spending_limit": bdt(limit)}
    made = site.customer(username, package_id=site.package(f"for {username}"), **more)
    answer: Any = site.admin.post(f"/v1/customers/{made['id']}/activate")
    return dict(answer.get_json())


def seen(site: Site, made: dict[str, Any]) -> dict[str, Any]:
    return dict(site.admin.get(f"/v1/customers/{made['id']}").get_json())


def expenses(
    account: Account, made: dict[str, Any], number: int, sum: str, until: str = LATER
) -> Wire:
    return account(made["id"], number, expenses=sum, expenses_until=until)


def test_expenses_that_reach_the_limit_wall_until_the_end_of_the_day_c30(
    site: Site, account: Account
) -> None:
    made = limited(site)
    site.hear(expenses(account, made, 1, "49.99"))
    assert seen(site, made)["status"] == "active"
    site.hear(expenses(account, made, 2, "50.00"))
    found = seen(site, made)
    assert (found["status"], found["status_reason"]) == ("spending_limit_reached", "spending")
    (hold,) = found["holds"]
    assert (hold["actor"], datetime.fromisoformat(hold["until"])) == (
        "system", datetime.fromisoformat(LATER),
    )  # fmt: skip
    assert hold["reason"] == "50 BDT charged today reach the limit of 50"
    event = site.events(made["id"])[-1]
    assert event.type == "customer.status_changed"
    assert event.data["customer"]["holds"] == ["spending"]
    count = len(site.events(made["id"]))
    site.hear(expenses(account, made, 2, "50.00"), expenses(account, made, 3, "70.00"))
    assert len(site.events(made["id"])) == count, "held already"


def test_midnight_lifts_it_and_yesterdays_expenses_hold_nobody_c31(
    site: Site, account: Account
) -> None:
    made = limited(site)
    site.hear(expenses(account, made, 1, "50.00"))
    site.change("UPDATE hold SET until = now() - interval '1 second'")
    site.change("UPDATE customer SET expenses_until = now() - interval '1 second'")
    lapsing.sweep(site.database)
    assert seen(site, made)["status"] == "active"
    # Heard late: its day is over.
    site.hear(expenses(account, made, 2, "99.00", OVER))
    assert seen(site, made)["status"] == "active"


def test_a_charge_that_is_taken_back_lifts_it_c30(site: Site, account: Account) -> None:
    made = limited(site)
    site.hear(expenses(account, made, 1, "60.00"))
    site.hear(expenses(account, made, 2, "10.00"))
    assert seen(site, made)["status"] == "active"
    log = site.admin.get(f"/v1/operations?subject={made['id']}").get_json()["items"]
    assert (log[0]["action"], log[0]["reason"]) == (
        "customer.hold_lifted", "the expenses of the day are under the limit",
    )  # fmt: skip


def test_another_limit_holds_and_lifts_at_once_c30(site: Site, account: Account) -> None:
    made = limited(site, None)
    site.hear(expenses(account, made, 1, "60.00"))
    place = f"/v1/customers/{made['id']}"
    assert seen(site, made)["status"] == "active"
    for limit, status in (
        (bdt("60.00"), "spending_limit_reached"),
        (bdt("60.01"), "active"),
        (bdt("0.00"), "spending_limit_reached"),
        (None, "active"),
    ):
        assert site.admin.patch(place, {"spending_limit": limit}).status_code == 200
        assert seen(site, made)["status"] == status, limit


def test_a_limit_of_zero_is_reached_by_the_first_expense_c30(site: Site, account: Account) -> None:
    made = limited(site, "0.00")
    site.hear(expenses(account, made, 1, "0.00"))
    assert seen(site, made)["status"] == "active"
    site.hear(expenses(account, made, 2, "0.01"))
    assert seen(site, made)["status"] == "spending_limit_reached"


def test_what_a_front_end_holds_it_alone_lifts(site: Site, account: Account) -> None:
    """It measures what is not charged here: the system's figures say nothing of it."""
    made = limited(site)
    site.admin.post(f"/v1/customers/{made['id']}/holds", {"kind": "spending"})
    site.hear(expenses(account, made, 1, "60.00"))
    site.hear(expenses(account, made, 2, "0.00"))
    assert seen(site, made)["status"] == "spending_limit_reached"


def test_who_is_restored_on_the_same_day_is_held_again_c30(site: Site, account: Account) -> None:
    made = limited(site)
    site.admin.post(f"/v1/customers/{made['id']}/delete", {"reason": "operator_error"})
    site.hear(expenses(account, made, 1, "60.00"))
    assert site.one("SELECT holds FROM customer WHERE id = :i", i=made["id"]).holds == []
    restored = site.admin.post(f"/v1/deleted-customers/{made['id']}/restore", {}).get_json()
    assert [hold["kind"] for hold in restored["holds"]] == ["spending"]


def test_a_closed_customer_is_left_as_it_is_c4(site: Site, account: Account) -> None:
    made = limited(site)
    assert site.admin.post(f"/v1/customers/{made['id']}/close").status_code == 200
    count = len(site.events(made["id"]))
    site.hear(expenses(account, made, 1, "60.00"))
    assert len(site.events(made["id"])) == count


def test_a_batch_holds_each_by_its_own_limit(site: Site, account: Account) -> None:
    crowd = [limited(site, f"{n * 10}.00", f"limited{n}") for n in range(1, 6)]
    site.hear(*(expenses(account, one, 1, "30.00") for one in crowd))
    assert [seen(site, one)["status"] for one in crowd] == [
        *["spending_limit_reached"] * 3, "active", "active",
    ]  # fmt: skip
    reasons = {row.reason for row in site.rows("SELECT reason FROM hold")}
    assert len(reasons) == 3


# ---------------------------------------------------------------- whatever happens in whatever order
@dataclass
class Model:
    """What the seeds say: held exactly while the day's expenses reach the limit."""

    limit: Decimal | None = None
    spent: Decimal = Decimal(0)
    day_over: bool = True
    version: int = 0

    @property
    def held(self) -> bool:
        reached = self.limit is not None and self.spent > 0 and self.spent >= self.limit
        return reached and not self.day_over


@pytest.fixture(scope="module")
def steady(
    postgres: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """One site for all examples: each makes a customer of its own."""
    yield from make_site(postgres, redis_url, Path(tmp_path_factory.mktemp("spending")))


STEP = st.one_of(
    st.tuples(st.just("limit"), st.sampled_from([None, 0, 10, 20])),
    st.tuples(st.just("spent"), st.sampled_from([0, 5, 10, 20, 30])),
    st.tuples(st.just("old news"), st.sampled_from([0, 30])),
    st.tuples(st.just("yesterday"), st.sampled_from([10, 30])),
    st.tuples(st.just("midnight"), st.none()),
)


# `account` keeps nothing between calls.
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, max_size=8))
def test_the_hold_stands_exactly_while_the_days_expenses_reach_the_limit_c30_c31(
    steady: Site, account: Account, steps: list[tuple[str, int | None]]
) -> None:
    site, model = steady, Model()
    number = site.one("SELECT count(*) AS n FROM customer").n
    made = site.customer(f"spender{number}")
    for step, value in steps:
        _take(site, account, made, model, step, value)
        row = site.one("SELECT holds, version FROM customer WHERE id = :i", i=made["id"])
        assert ("spending" in row.holds) is model.held, (step, value)
    numbers = [event.sequence for event in site.events(made["id"])]
    assert numbers == list(range(1, row.version + 1)) if steps else True
    standing = site.rows(
        "SELECT FROM hold WHERE customer_id = :i AND lifted_at IS NULL", i=made["id"]
    )
    assert len(standing) == model.held


def _take(
    site: Site, account: Account, made: dict[str, Any], model: Model, step: str, value: int | None
) -> None:
    match step:
        case "limit":
            wish = None if value is None else bdt(f"{value}.00")
            site.admin.patch(f"/v1/customers/{made['id']}", {"spending_limit": wish})
            model.limit = None if value is None else Decimal(value)
        case "spent" | "yesterday":
            model.version += 1
            over = step == "yesterday"
            told = expenses(account, made, model.version, str(value), OVER if over else LATER)
            site.hear(told, told)
            model.spent, model.day_over = Decimal(value or 0), over
        case "old news" if model.version:
            site.hear(expenses(account, made, model.version, str(value)))
        case "midnight":
            site.change(
                "UPDATE hold SET until = now() - interval '1 second' WHERE customer_id = :i",
                i=made["id"],
            )
            site.change(
                "UPDATE customer SET expenses_until = now() - interval '1 second' WHERE id = :i",
                i=made["id"],
            )
            lapsing.sweep(site.database)
            model.day_over = True
