"""What is unchanged is not sent again: If-None-Match (RFC 9110, 13.1.2)."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from shared.database import Database
from tests.shared.toy.service import add_thing, bearer

ADMIN = bearer()


@pytest.fixture
def thing(database: Database) -> UUID:
    with database.transaction() as session:
        found: UUID = add_thing(session, "1/", "a").id
    return found


def read(client: FlaskClient, thing: UUID, known: str | None = None) -> TestResponse:
    headers = {**ADMIN, **({} if known is None else {"If-None-Match": known})}
    return client.get(f"/v1/things/{thing}", headers=headers)


def test_what_the_caller_has_already_is_a_304_without_a_body(
    client: FlaskClient, thing: UUID
) -> None:
    first = read(client, thing)
    tag = first.headers["ETag"]

    for known in (tag, f'"1-0", {tag}', f"W/{tag}", "*"):
        again = read(client, thing, known)
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
        assert "Content-Type" not in again.headers
        assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]


@pytest.mark.parametrize("known", ['"1"', '"1-0"', "nonsense", ""])
def test_another_tag_gets_the_whole(client: FlaskClient, thing: UUID, known: str) -> None:
    assert read(client, thing, known).status_code == 200


def test_what_changed_without_a_new_version_is_sent_whole(
    client: FlaskClient, database: Database, thing: UUID
) -> None:
    """A customer's balance follows payments."""
    tag = read(client, thing).headers["ETag"]
    with database.transaction() as session:
        session.execute(text("UPDATE thing SET name = 'b'"))

    again: Any = read(client, thing, tag)

    assert (again.status_code, again.get_json()["name"]) == (200, "b")
    assert again.headers["ETag"].split("-")[0] == tag.split("-")[0]


def test_a_change_takes_the_tag_that_was_read(client: FlaskClient, thing: UUID) -> None:
    tag = read(client, thing).headers["ETag"]
    changed = client.patch(
        f"/v1/things/{thing}", json={"prefix": "b"}, headers={**ADMIN, "If-Match": tag}
    )
    assert changed.status_code == 200
