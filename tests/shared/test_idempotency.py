"""Idempotency-Key and If-Match: a request is done once, and on what its sender has seen (B12)."""

import threading
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from shared import answers
from shared.database import Database
from shared.settings import Settings
from shared.worker import Worker
from tests.shared.toy import service
from tests.shared.toy.service import add_thing, bearer

ADMIN, NORTH = bearer(), bearer("1/4/", "reseller")


def create(
    client: FlaskClient, key: str | None, name: str = "a", who: Mapping[str, str] = ADMIN
) -> TestResponse:
    headers = who if key is None else {**who, "Idempotency-Key": key}
    return client.post("/v1/things", json={"name": name}, headers=headers)


def things(database: Database) -> int:
    with database.transaction() as session:
        return int(session.scalar(text("SELECT count(*) FROM thing")) or 0)


def test_the_same_request_again_gets_the_stored_answer(
    client: FlaskClient, database: Database
) -> None:
    first, again = create(client, "key-00000001"), create(client, "key-00000001")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert first.headers["ETag"] == again.headers["ETag"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert things(database) == 1


def test_the_same_key_with_another_body_is_refused(client: FlaskClient, database: Database) -> None:
    create(client, "key-00000001")

    answer = create(client, "key-00000001", "b")

    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["code"] == "reused"
    assert things(database) == 1


def test_the_same_key_for_another_route_is_refused(client: FlaskClient) -> None:
    create(client, "key-00000001")

    answer = client.post(
        "/v1/things/rename",
        json={"prefix": "a"},
        headers={**ADMIN, "Idempotency-Key": "key-00000001"},
    )

    assert answer.status_code == 422


def test_another_callers_key_is_their_own(client: FlaskClient, database: Database) -> None:
    mine, theirs = create(client, "key-00000001"), create(client, "key-00000001", who=NORTH)

    assert mine.get_json()["id"] != theirs.get_json()["id"]
    assert things(database) == 2


@pytest.mark.parametrize(
    "key", ["short", "with space", "naïve-key-1", "x" * 256, "x" * 10_000, "", "tab\there"]
)
def test_a_malformed_key_is_a_400_with_its_rule(
    client: FlaskClient, database: Database, key: str
) -> None:
    answer = create(client, key)

    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["code"] == "malformed"
    assert things(database) == 0


def test_a_missing_key_is_a_400_where_one_is_required(client: FlaskClient) -> None:
    answer = client.post("/v1/things/rename", json={"prefix": "x"}, headers=ADMIN)

    assert answer.status_code == 400
    assert answer.get_json()["errors"][0] == {
        "parameter": "Idempotency-Key", "code": "missing", "detail": "8 to 255 visible ASCII characters",
    }  # fmt: skip


def test_a_quoted_key_is_the_same_key(client: FlaskClient) -> None:
    first, again = create(client, "key-00000001"), create(client, '"key-00000001"')

    assert first.get_json()["id"] == again.get_json()["id"]


def test_a_refused_request_leaves_its_key_free(client: FlaskClient, database: Database) -> None:
    assert create(client, "key-00000001", "").status_code == 422

    assert create(client, "key-00000001", "good").status_code == 201


def test_a_twin_that_comes_meanwhile_gets_the_answer_of_the_first(
    app: Flask, database: Database
) -> None:
    answers: list[Any] = []
    together = threading.Barrier(4)

    def send() -> None:
        together.wait()
        answers.append(create(app.test_client(), "key-00000001").get_json()["id"])

    twins = [threading.Thread(target=send) for _ in range(4)]
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join()

    assert len(set(answers)) == 1
    assert things(database) == 1


def test_a_twin_of_one_that_takes_long_is_told_to_come_back(
    client: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.http.transactions.TWIN_WAIT", "20ms")
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO idempotency (principal, key, route, fingerprint)"
                " VALUES (:who, 'key-00000001', 'POST /v1/things', 'x')"
            ),
            {"who": "admin:00000000-0000-0000-0000-000000000001"},
        )
        answer = create(client, "key-00000001")

    assert answer.status_code == 409
    assert answer.headers["Retry-After"] == "2"


def test_the_stored_answer_names_its_subject_so_that_erasure_finds_it(
    client: FlaskClient, database: Database
) -> None:
    create(client, "key-00000001")
    with database.transaction() as session:
        row = session.execute(
            text("SELECT i.status, i.subject = t.id AS same FROM idempotency i, thing t")
        ).one()

    assert (row.status, row.same) == (201, True)


def patch(client: FlaskClient, thing_id: object, match: str | None) -> TestResponse:
    headers = ADMIN if match is None else {**ADMIN, "If-Match": match}
    return client.patch(f"/v1/things/{thing_id}", json={"prefix": "b"}, headers=headers)


@pytest.mark.parametrize(
    ("match", "status"),
    [(None, 428), ('"2"', 412), ('"nonsense"', 412), ("1", 412), ('W/"1"', 412), ('"1"', 200),
     ('"7", "1"', 200), ("*", 200)],
)  # fmt: skip
def test_a_change_needs_the_version_that_was_read(
    client: FlaskClient, database: Database, match: str | None, status: int
) -> None:
    with database.transaction() as session:
        thing_id = add_thing(session, "1/", "a").id

    answer = patch(client, thing_id, match)

    assert answer.status_code == status
    if status == 412:
        assert answer.headers["ETag"] == '"1"'


def test_what_is_absent_is_a_404_before_it_is_a_428(client: FlaskClient) -> None:
    assert patch(client, uuid4(), None).status_code == 404


def test_every_worker_forgets_answers_after_72_hours(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    """Reliability 2.2."""
    for name in ("kept-00000001", "aged-00000001", "aged-00000002", "aged-00000003"):
        create(client, name, name)
    with database.transaction() as session:
        session.execute(
            text("UPDATE idempotency SET created_at = now() - interval '73 hours'"
                 " WHERE key LIKE 'aged%'")
        )  # fmt: skip
    assert answers.forget_old(database, piece=2) == 3
    with database.transaction() as session:
        assert session.scalars(text("SELECT key FROM idempotency")).all() == ["kept-00000001"]
        session.execute(text("UPDATE idempotency SET created_at = now() - interval '73 hours'"))
    worker = Worker(settings, service.SUBSCRIPTIONS, service.jobs(settings))
    next(timer for timer in worker.timers if timer.name == "answers").work()
    worker.database.close()
    with database.transaction() as session:
        assert session.scalars(text("SELECT key FROM idempotency")).all() == []
