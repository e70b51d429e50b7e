"""No cut-off on a weekend or holiday: payments tells which days those are (C13, C14, C19)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from customers import lapsing
from shared.events import CalendarChanged, Wire, payload
from tests.customers.conftest import Site
from tests.support.noon import NOON


def calendar(version: int, *holidays: date, weekend: tuple[int, ...] = ()) -> Wire:
    event = CalendarChanged(
        subject=UUID(int=0), sequence=version, operator_path="", weekend=weekend,
        holidays={day.isoformat(): "Eid" for day in holidays}, time_zone=NOON.key,
    )  # fmt: skip
    return {
        "id": f"01a20000-0000-7000-8000-{version:012d}", "type": event.type, "subject": str(UUID(int=0)),
        "sequence": version, "operatorpath": "", "time": datetime.now(UTC).isoformat(),
        "data": payload(event),
    }  # fmt: skip


def today() -> date:
    return datetime.now(NOON).date()


def postponed(site: Site, customer: str) -> datetime:
    seen: Any = site.admin.get(f"/v1/customers/{customer}").get_json()
    return datetime.fromisoformat(seen["lift_suspension_until"])


def lift(site: Site, customer: str, until: datetime) -> Any:
    body = {"until": until.isoformat(), "reason": "pays on Monday"}
    return site.admin.post(f"/v1/customers/{customer}/lift-suspension", body)


def test_the_end_of_a_postponement_is_moved_off_holidays_when_it_is_set(site: Site) -> None:
    customer = site.customer("rahim")["id"]
    day = today() + timedelta(days=2)
    site.hear(calendar(2, day, day + timedelta(days=1)))
    until = datetime.combine(day, datetime.now(NOON).time(), NOON)

    assert lift(site, customer, until).status_code == 200

    assert postponed(site, customer) == until + timedelta(days=2)


def test_a_holiday_that_is_declared_later_moves_what_would_end_on_it_once(site: Site) -> None:
    customer, other = (site.customer(name)["id"] for name in ("rahim", "karim"))
    until = datetime.now(NOON) + timedelta(days=2)
    lift(site, customer, until)
    lift(site, other, until + timedelta(days=2))
    before = len(site.events(customer))
    told = calendar(2, until.date())

    site.hear(told, told)
    site.hear(told)

    assert postponed(site, customer) == until + timedelta(days=1)
    assert postponed(site, other) == until + timedelta(days=2)
    (event,) = site.events(customer)[before:]
    moved = event.data["customer"]["lift_suspension_until"]
    assert datetime.fromisoformat(moved) == until + timedelta(days=1)
    site.hear(calendar(1, until.date() + timedelta(days=1)))
    assert postponed(site, customer) == until + timedelta(days=1), "an older calendar is no news"


def test_nobody_is_terminated_on_a_holiday_but_on_the_next_working_day_c19(site: Site) -> None:
    made = site.customer("rahim", package_id=site.package("Home 10"))
    site.admin.post(f"/v1/customers/{made['id']}/activate")
    site.change(
        "INSERT INTO hold (id, customer_id, kind, actor, since) VALUES"
        " (gen_random_uuid(), :id, 'overdue', 'system', now() - interval '31 days')",
        id=made["id"],
    )
    site.change("UPDATE customer SET holds = '{overdue}', overdue = true")
    site.hear(calendar(2, weekend=(today().isoweekday(),)))
    assert lapsing.sweep(site.database)["grace"] == 0
    site.hear(calendar(3))
    assert lapsing.sweep(site.database)["grace"] == 1


def test_a_year_without_a_working_day_moves_nothing(site: Site) -> None:
    customer = site.customer("rahim")["id"]
    days = [today() + timedelta(days=n) for n in range(400)]
    site.hear(calendar(2, *days))
    until = datetime.now(NOON) + timedelta(days=2)
    assert lift(site, customer, until).status_code == 200
    assert postponed(site, customer) == until
