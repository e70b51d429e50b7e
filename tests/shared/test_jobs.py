"""Long work: chunks, crashes, one bad row, progress (F37)."""

import threading
from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared import jobs
from shared.database import Database
from shared.jobs import Jobs, Kind, Row, Verdict
from shared.settings import Settings
from tests.shared.renaming import enqueue, fill, let_lease_run_out, read, renamed, rows
from tests.shared.toy import service
from tests.shared.toy.service import bearer
from tests.support import waiting

ADMIN = bearer()


class Killed(BaseException):
    """What `kill -9` is to the code: nothing runs after it."""


def dying_after(chunks: int) -> Jobs:
    left = [chunks]

    def rename(session: Session, job: Row, subjects: Sequence[UUID]) -> Mapping[UUID, Verdict]:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return service.rename(session, job, subjects)

    return Jobs(Kind(name="rename", permission="jobs.write", chunk=rename))


def test_a_job_goes_through_its_frozen_list_in_chunks(
    database: Database, settings: Settings
) -> None:
    fill(database, 1201)
    job_id = enqueue(database)
    fill(database, 3)

    assert jobs.run_due(database, service.jobs(settings)) == 1

    job = read(database, job_id)
    assert (job.state, job.total, job.done, job.failed) == ("succeeded", 1201, 1201, 0)
    assert job.result == {"renamed": True}
    assert rows(database, job_id) == {"done": 1201}
    assert renamed(database) == 1201, "what came after the list was frozen is not in it"
    with database.transaction() as session:
        chunks = session.scalar(
            text("SELECT count(DISTINCT xmin::text) FROM thing WHERE name LIKE 'new %'")
        )
    assert chunks == 3


def test_a_killed_workers_job_goes_on_where_it_stood(
    database: Database, settings: Settings
) -> None:
    fill(database, 1500)
    job_id = enqueue(database)
    with pytest.raises(Killed):
        jobs.run_due(database, dying_after(2))

    assert jobs.run_due(database, service.jobs(settings)) == 0, "its lease still runs"
    assert read(database, job_id).done == 1000
    let_lease_run_out(database)
    jobs.run_due(database, service.jobs(settings))

    assert read(database, job_id).state == "succeeded"
    assert renamed(database) == 1500
    with database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM thing WHERE name LIKE 'new new %'")) == 0


def test_a_job_that_ends_its_worker_each_time_is_given_up(database: Database) -> None:
    fill(database, 1)
    job_id = enqueue(database)
    for _ in range(jobs.MOST_ATTEMPTS):
        with pytest.raises(Killed):
            jobs.run_due(database, dying_after(0))
        let_lease_run_out(database)

    jobs.run_due(database, dying_after(0))

    job = read(database, job_id)
    assert (job.state, "ended its worker 5 times" in job.error) == ("failed", True)


def test_one_bad_row_spoils_no_other(database: Database, settings: Settings) -> None:
    fill(database, 700)
    with database.transaction() as session:
        session.execute(text("UPDATE thing SET name = 'bad' WHERE name = 'thing 7'"))
    job_id = enqueue(database)

    jobs.run_due(database, service.jobs(settings))

    job = read(database, job_id)
    assert (job.state, job.done, job.failed) == ("succeeded", 700, 1)
    assert rows(database, job_id) == {"done": 699, "failed": 1}
    assert renamed(database) == 699


def test_a_row_that_is_gone_meanwhile_is_skipped(database: Database, settings: Settings) -> None:
    fill(database, 3)
    job_id = enqueue(database)
    with database.transaction() as session:
        session.execute(text("DELETE FROM thing WHERE name = 'thing 2'"))

    jobs.run_due(database, service.jobs(settings))

    assert rows(database, job_id) == {"done": 2, "skipped": 1}


def test_a_subject_named_twice_is_done_once(database: Database, settings: Settings) -> None:
    fill(database, 1)
    with database.transaction() as session:
        (subject,) = session.scalars(text("SELECT id FROM thing"))
    job_id = enqueue(database, subjects=[subject, subject])

    jobs.run_due(database, service.jobs(settings))

    assert read(database, job_id).total == 1
    assert renamed(database) == 1
    with database.transaction() as session:
        assert session.scalar(text("SELECT name FROM thing")) == "new thing 1"


def test_a_core_select_is_frozen_in_its_order(database: Database, settings: Settings) -> None:
    """Its values stay values, casts included: `WHERE class_id = :id::UUID` was a syntax error."""
    fill(database, 12)
    chosen = select(service.thing.c.id).where(
        service.thing.c.id != UUID(int=0),
        service.thing.c.name.in_(["thing 3", "thing 11", "thing 7"]),
    )

    job_id = enqueue(database, select=chosen.order_by(service.thing.c.name.desc()))

    with database.transaction() as session:
        names = session.scalars(
            text(
                "SELECT name FROM job_row JOIN thing ON thing.id = subject"
                " WHERE job_id = :id ORDER BY position"
            ),
            {"id": job_id},
        )
        assert list(names) == ["thing 7", "thing 3", "thing 11"]


def test_an_empty_list_and_an_unknown_kind_both_end(database: Database, settings: Settings) -> None:
    empty, unknown = enqueue(database, subjects=[]), enqueue(database, "knit", subjects=[])

    assert jobs.run_due(database, service.jobs(settings)) == 2

    assert read(database, empty).state == "succeeded"
    assert (read(database, unknown).state, read(database, unknown).error) == (
        "failed",
        "KeyError: 'knit'",
    )


def test_two_workers_never_run_the_same_job(database: Database, settings: Settings) -> None:
    fill(database, 600)
    for _ in range(6):
        enqueue(database)
    ran: list[int] = []

    def all_done() -> bool:
        # They update the same rows, so one may lose a deadlock: it goes on after a moment.
        ran.append(jobs.run_due(database, service.jobs(settings)))
        return not left()

    def left() -> bool:
        with database.transaction() as session:
            return bool(
                session.scalar(text("SELECT EXISTS (SELECT FROM job WHERE state <> 'succeeded')"))
            )

    workers = [threading.Thread(target=waiting.until, args=[all_done, 120]) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(ran) >= 6
    with database.transaction() as session:
        assert session.scalar(text("SELECT name FROM thing LIMIT 1")).count("new ") == 6


def test_progress_and_verdicts_are_there_for_the_front_end(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    fill(database, 30)
    answer = client.post(
        "/v1/things/rename",
        json={"prefix": "new "},
        headers={**ADMIN, "Idempotency-Key": "key-00000001"},
    )
    jobs.run_due(database, service.jobs(settings))
    place = answer.headers["Location"]

    first = client.get(f"{place}/rows?limit=20", headers=ADMIN).get_json()
    rest = client.get(f"{place}/rows?cursor={first['next_cursor']}", headers=ADMIN).get_json()
    stream = client.get(f"{place}/events", headers=ADMIN)

    assert (answer.status_code, place) == (202, f"/v1/jobs/{answer.get_json()['id']}")
    assert [row["position"] for row in (*first["items"], *rest["items"])] == list(range(1, 31))
    assert {row["state"] for row in first["items"]} == {"done"}
    assert stream.content_type.startswith("text/event-stream")
    assert '"state":"succeeded"' in stream.get_data(as_text=True)
    assert client.get("/v1/jobs?state=succeeded&kind=rename", headers=ADMIN).get_json()["items"]
