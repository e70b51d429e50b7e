"""The rule of access: by the table of statuses.md, and the same in Python and in SQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import text

from radius_sync.domain import Access, Facts, Verdict, access
from shared.database import Database
from tests.radius_sync.facts import PACKAGE

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)
ACTIVE = Facts(
    standing="customer", package_known=True, activated=True, expires_at=LATER, holds=frozenset(),
    overdue_effect="suspend", suspended_access="walled", lift_suspension_until=None,
    balance_control="prepaid", credit_limit=None, overdue=False, outstanding=None,
)  # fmt: skip


def verdict(**changes: Any) -> Verdict:
    return access(replace(ACTIVE, **changes), NOW)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (Access.OPEN, "active")),
        ({"standing": "lead"}, (Access.REMOVED, "lead")),
        ({"standing": "closed"}, (Access.REMOVED, "closed")),
        ({"standing": "exported"}, (Access.REMOVED, "exported")),
        ({"standing": "deleted"}, (Access.REMOVED, "deleted")),
        ({"standing": "erasing"}, (Access.REMOVED, "erasing")),
        ({"activated": False}, (Access.BLOCKED, "inactive")),
        ({"expires_at": NOW}, (Access.BLOCKED, "expired")),
        ({"package_known": False}, (Access.BLOCKED, "no_package")),
        ({"overdue": True}, (Access.WALLED, "overdue")),
        ({"overdue": True, "suspended_access": "blocked"}, (Access.BLOCKED, "overdue")),
        ({"overdue": True, "overdue_effect": "limit"}, (Access.LIMITED, "overdue")),
        ({"overdue": True, "lift_suspension_until": LATER}, (Access.OPEN, "active")),
        ({"overdue": True, "lift_suspension_until": EARLIER}, (Access.WALLED, "overdue")),
    ],
)
def test_one_fact_decides_as_the_table_of_statuses_says(
    changes: dict[str, Any], expected: tuple[Access, str]
) -> None:
    assert verdict(**changes) == Verdict(*expected)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("hold", "expected"),
    [
        ("admin", Access.BLOCKED), ("fraud", Access.BLOCKED), ("terminated", Access.BLOCKED),
        ("vacation", Access.BLOCKED), ("overdue", Access.WALLED), ("credit", Access.WALLED),
        ("funds", Access.WALLED), ("spending", Access.WALLED), ("reseller", Access.WALLED),
        ("fair_use", Access.LIMITED), ("payment_frozen", Access.OPEN), ("export", Access.OPEN),
    ],
)  # fmt: skip
def test_each_hold_has_its_effect_c5_to_c38(hold: str, expected: Access) -> None:
    assert verdict(holds=frozenset({hold})).access is expected


@pytest.mark.unit
def test_the_most_restrictive_of_all_that_is_true_wins() -> None:
    both = verdict(holds=frozenset({"fair_use", "spending", "vacation"}), overdue=True)
    assert both == Verdict(Access.BLOCKED, "vacation")


@pytest.mark.unit
def test_an_exceeded_credit_walls_where_an_overdue_bill_would_block_c25() -> None:
    """Complimentary services remain: `suspended_access` is about what is overdue."""
    blocking: dict[str, Any] = {"suspended_access": "blocked"}
    assert verdict(holds=frozenset({"overdue"}), **blocking).access is Access.BLOCKED
    assert verdict(holds=frozenset({"credit"}), **blocking) == Verdict(Access.WALLED, "credit")


@pytest.mark.unit
def test_a_postpaid_customer_above_the_credit_limit_is_walled_c24() -> None:
    limit = {"balance_control": "postpaid", "credit_limit": Decimal(500)}
    assert verdict(**limit, outstanding=Decimal(500)).access is Access.OPEN
    assert verdict(**limit, outstanding=Decimal("500.01")) == Verdict(Access.WALLED, "credit")


HOLDS = st.frozensets(
    st.sampled_from(
        ["admin", "fraud", "vacation", "overdue", "credit", "funds", "spending", "fair_use",
         "reseller", "payment_frozen", "export", "terminated"]
    ),
    max_size=3,
)  # fmt: skip
TIMES = st.sampled_from([None, timedelta(hours=-1), timedelta(0), timedelta(hours=1)])
FACTS = st.fixed_dictionaries(
    {
        "standing": st.sampled_from(["customer"] * 9 + ["lead", "closed", "exported", "deleted"]),
        "package": st.sampled_from([True] * 5 + [False, None]),
        "activated": st.sampled_from([True] * 5 + [False]),
        "expires": st.sampled_from([timedelta(hours=1), timedelta(0), timedelta(hours=-1), None]),
        "holds": HOLDS,
        "inherited": st.sampled_from([frozenset[str]()] * 3 + [frozenset({"admin"}),
                                     frozenset({"reseller", "overdue"})]),
        "overdue_effect": st.sampled_from(["suspend", "limit"]),
        "suspended_access": st.sampled_from(["walled", "blocked"]),
        "lift": TIMES,
        "balance_control": st.sampled_from(["prepaid", "postpaid"]),
        "credit_limit": st.sampled_from([None, Decimal(0), Decimal("99.99")]),
        "overdue": st.booleans(),
        "outstanding": st.sampled_from([None, Decimal(0), Decimal("99.99"), Decimal(100)]),
    }
)  # fmt: skip
OPERATORS = {frozenset[str](): "1/2/", frozenset({"admin"}): "1/3/",
             frozenset({"reseller", "overdue"}): "1/4/"}  # fmt: skip


@examples(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batch=st.lists(FACTS, min_size=1, max_size=20))
def test_python_and_sql_agree_on_any_facts(database: Database, batch: list[dict[str, Any]]) -> None:
    with database.transaction() as session:
        now: datetime = session.scalar(text("SELECT now()"))
        session.execute(
            text("INSERT INTO package_fact (id, version, name, download_kbps, upload_kbps, retired)"
                 " VALUES (:id, 1, 'Gold', 2000, 1000, false)"), {"id": PACKAGE},
        )  # fmt: skip
        for holds, path in OPERATORS.items():
            session.execute(
                text("INSERT INTO operator_fact VALUES (:id, 1, :path, :path, 'o', 'reseller', true,"
                     " :holds)"), {"id": uuid4(), "path": path, "holds": sorted(holds)},
            )  # fmt: skip
        ids = [_insert(session, facts, now) for facts in batch]
        found = {
            row.customer_id: (row.access, row.reason)
            for row in session.execute(text("SELECT customer_id, access, reason FROM derived"))
        }
        session.rollback()
    for customer_id, facts in zip(ids, batch, strict=True):
        verdict = access(_facts(facts, now), now)
        assert found[customer_id] == (verdict.access.value, verdict.reason)


def _insert(session: Any, facts: dict[str, Any], now: datetime) -> Any:
    customer_id = uuid4()
    package = {True: PACKAGE, False: uuid4(), None: None}[facts["package"]]
    session.execute(
        text(
            "INSERT INTO subscriber (customer_id, operator_path, standing, package_id, activated,"
            " expires_at, holds, overdue_effect, suspended_access, lift_suspension_until,"
            " balance_control, credit_limit, overdue, outstanding) VALUES (:id, :path, :standing,"
            " :package_id, :activated, :expires_at, :own, :overdue_effect, :suspended_access,"
            " :lift_until, :balance_control, :credit_limit, :overdue, :outstanding)"
        ),
        {
            **facts,
            "id": customer_id,
            "path": OPERATORS[facts["inherited"]] + "9/",
            "package_id": package,
            "own": sorted(facts["holds"]),
            "expires_at": _moment(facts["expires"], now),
            "lift_until": _moment(facts["lift"], now),
        },
    )
    return customer_id


def _facts(facts: dict[str, Any], now: datetime) -> Facts:
    same = ("standing", "activated", "overdue_effect", "suspended_access", "balance_control",
            "credit_limit", "overdue", "outstanding")  # fmt: skip
    return Facts(
        **{name: facts[name] for name in same},
        package_known=facts["package"] is True,
        expires_at=_moment(facts["expires"], now),
        lift_suspension_until=_moment(facts["lift"], now),
        holds=facts["holds"] | facts["inherited"],
    )


def _moment(distance: timedelta | None, now: datetime) -> datetime | None:
    return None if distance is None else now + distance
