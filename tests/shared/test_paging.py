"""Keyset pages: all pages together are the whole list, once, in order (A8, C54)."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text

from shared.database import Database, uuid7
from shared.http import page
from shared.http.problems import Problem
from tests.shared.toy.service import bearer, thing

ADMIN = bearer()
SORTABLE = {"name": thing.c.name, "phone": thing.c.phone, "amount": thing.c.amount}
rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "B", "ä", "", "আ"]),
        st.sampled_from([None, "1", "2", "10"]),
        st.sampled_from(
            [None, Decimal("0.00"), Decimal("-1.50"), Decimal("10.10"), Decimal("9.00")]
        ),
    ),
    max_size=25,
)
sorts = st.lists(
    st.tuples(st.sampled_from(sorted(SORTABLE)), st.booleans()),
    min_size=1, max_size=3, unique_by=lambda part: part[0],
)  # fmt: skip


def fill(database: Database, found: list[tuple[Any, ...]]) -> None:
    with database.transaction() as session:
        session.execute(text("DELETE FROM thing"))
        if found:
            session.execute(
                insert(thing),
                [
                    {"id": str(uuid7()), "name": n, "phone": p, "amount": a, "version": 1,
                     "operator_path": "1/", "at": "2026-01-01T00:00:00Z"}
                    for n, p, a in found
                ],
            )  # fmt: skip


def walked(app: Flask, database: Database, sort: str, limit: int) -> list[Any]:
    seen: list[Any] = []
    cursor: str | None = None
    with app.test_request_context(), database.transaction() as session:
        while True:
            arguments = {"limit": limit, "sort": sort, "cursor": cursor}
            found = page(
                session,
                select(thing),
                arguments,
                sortable=SORTABLE,
                key=thing.c.id,
                default_sort="name",
            )
            assert len(found.items) <= limit
            seen += [row.id for row in found.items]
            cursor = found.next_cursor
            if cursor is None:
                return seen


def whole(database: Database, sort: list[tuple[str, bool]]) -> list[Any]:
    order = ", ".join(f"{name} {'DESC' if down else 'ASC'} NULLS LAST" for name, down in sort)
    last = "DESC" if sort[-1][1] else "ASC"
    with database.transaction() as session:
        return list(session.scalars(text(f"SELECT id FROM thing ORDER BY {order}, id {last}")))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(found=rows, sort=sorts, limit=st.integers(1, 7))
def test_all_pages_are_the_whole_sorted_list_nulls_included(
    app: Flask, database: Database, found: list[Any], sort: list[tuple[str, bool]], limit: int
) -> None:
    fill(database, found)
    asked = ",".join(f"{'-' if down else ''}{name}" for name, down in sort)

    assert walked(app, database, asked, limit) == whole(database, sort)


def test_rows_that_come_and_go_move_no_other_row_to_another_page(
    client: FlaskClient, database: Database
) -> None:
    fill(database, [(name, None, None) for name in "bdfhjl"])
    first = client.get("/v1/things?limit=3", headers=ADMIN).get_json()
    with database.transaction() as session:
        session.execute(text("DELETE FROM thing WHERE name = 'b'"))
        session.execute(text("UPDATE thing SET name = 'a' WHERE name = 'f'"))
    rest = client.get(f"/v1/things?limit=9&cursor={first['next_cursor']}", headers=ADMIN).get_json()

    assert [item["name"] for item in (*first["items"], *rest["items"])] == list("bdfhjl")


def test_the_link_header_leads_to_the_next_page_and_keeps_the_filters(
    client: FlaskClient, database: Database
) -> None:
    fill(database, [(name, None, None) for name in "abcde"])

    first = client.get("/v1/things?limit=2&sort=-name", headers=ADMIN)
    link = first.headers["Link"]
    parts = urlsplit(link[1 : link.index(">")])
    second = client.get(f"{parts.path}?{parts.query}", headers=ADMIN)

    assert link.endswith('; rel="next"')
    assert [item["name"] for item in second.get_json()["items"]] == ["c", "b"]
    last = client.get("/v1/things?limit=5", headers=ADMIN)
    assert "Link" not in last.headers
    assert last.get_json()["next_cursor"] is None


def test_the_page_size_of_the_seeds_is_the_default_c54(
    client: FlaskClient, database: Database
) -> None:
    fill(database, [(f"n{number:03}", None, None) for number in range(30)])

    assert len(client.get("/v1/things", headers=ADMIN).get_json()["items"]) == 25


def test_the_total_is_exact_when_small_and_says_so(client: FlaskClient, database: Database) -> None:
    fill(database, [(name, None, None) for name in "abcde"])

    body = client.get("/v1/things?limit=2&include=total", headers=ADMIN).get_json()

    assert (body["total"], body["total_is_estimate"]) == (5, False)
    assert "total" not in client.get("/v1/things", headers=ADMIN).get_json()


def test_the_total_of_a_long_list_is_an_estimate_and_says_so(
    client: FlaskClient, database: Database
) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO thing (id, name, operator_path)"
                " SELECT gen_random_uuid(), 'n' || g, '1/4/' FROM generate_series(1, 30000) g"
            )
        )
        session.execute(text("RESET ROLE"))
        session.execute(text("ANALYZE thing"))

    everything = client.get("/v1/things?include=total", headers=ADMIN).get_json()
    branch = client.get("/v1/things?include=total", headers=bearer("1/4/", "reseller")).get_json()

    for body in (everything, branch):
        assert body["total_is_estimate"] is True
        assert 20_000 < body["total"] < 45_000


def test_a_cursor_does_not_leave_the_branch_of_its_user(
    client: FlaskClient, database: Database
) -> None:
    """A cursor is a place in an order, not a right to rows."""
    fill(database, [(name, None, None) for name in "abcd"])
    admins = client.get("/v1/things?limit=1", headers=ADMIN).get_json()["next_cursor"]

    stolen = client.get(f"/v1/things?cursor={admins}", headers=bearer("1/4/", "reseller"))

    assert stolen.get_json()["items"] == []


def test_a_sort_that_is_not_offered_names_those_that_are(app: Flask, database: Database) -> None:
    with (
        app.test_request_context(),
        database.transaction() as session,
        pytest.raises(Problem) as caught,
    ):
        page(
            session, select(thing), {"limit": 5, "sort": "secret"},
            sortable=SORTABLE, key=thing.c.id, default_sort="name",
        )  # fmt: skip
    assert caught.value.errors[0]["detail"] == "one or more of amount, name, phone"
