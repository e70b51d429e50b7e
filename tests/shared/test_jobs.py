"""Long work: chunks, crashes, pause, cancel, undo, one bad row (F37)."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared import jobs
from shared.database import Database
from shared.jobs import Interrupted, Jobs, Kind, Row, Verdict, running
from shared.operations import SYSTEM
from shared.settings import Settings
from tests.shared.toy import service
from tests.shared.toy.service import bearer
from tests.support import waiting

ADMIN = bearer()


def fill(database: Database, many: int) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO thing (id, name, operator_path)"
                " SELECT gen_random_uuid(), 'thing ' || g, '1/' FROM generate_series(1, :many) g"
            ),
            {"many": many},
        )


def enqueue(database: Database, kind: str = "rename", **more: Any) -> UUID:
    with database.transaction() as session:
        job = jobs.enqueue(
            session, kind, SYSTEM, operator_path="1/", params={"prefix": "new "},
            **(more or {"select": ("SELECT id FROM thing ORDER BY name", {})}),
        )  # fmt: skip
    return UUID(str(job.id))


def read(database: Database, job_id: UUID) -> Row:
    with database.transaction() as session:
        return jobs.read(session, job_id)


def renamed(database: Database) -> int:
    with database.transaction() as session:
        return int(session.scalar(text("SELECT count(*) FROM thing WHERE name LIKE 'new %'")) or 0)


def rows(database: Database, job_id: UUID) -> dict[str, int]:
    with database.transaction() as session:
        found = session.execute(
            text("SELECT state, count(*) FROM job_row WHERE job_id = :id GROUP BY state"),
            {"id": job_id},
        )
        return {row[0]: row[1] for row in found}


def let_lease_run_out(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE job SET lease_until = now() - interval '1 second'"))


class Killed(BaseException):
    """What `kill -9` is to the code: nothing runs after it."""


def dying_after(chunks: int) -> Jobs:
    left = [chunks]

    def rename(session: Session, job: Row, subjects: Sequence[UUID]) -> Mapping[UUID, Verdict]:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return service.rename(session, job, subjects)

    return Jobs(Kind(name="rename", chunk=rename))


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


def stopping_after_a_chunk(stopping: threading.Event) -> Jobs:
    def chunk(session: Session, job: Row, subjects: Sequence[UUID]) -> Mapping[UUID, Verdict]:
        stopping.set()
        return service.rename(session, job, subjects)

    return Jobs(Kind(name="rename", chunk=chunk))


def post(client: FlaskClient, job_id: UUID, what: str, status: int = 200) -> Any:
    answer = client.post(f"/v1/jobs/{job_id}/{what}", headers=ADMIN)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def test_a_paused_job_stands_still_and_goes_on_when_told(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    fill(database, 1200)
    job_id = enqueue(database)
    stopping = threading.Event()
    jobs.run_due(database, stopping_after_a_chunk(stopping), stopping)

    assert post(client, job_id, "pause")["state"] == "paused"
    assert jobs.run_due(database, service.jobs(settings)) == 0
    assert renamed(database) == 500
    assert post(client, job_id, "resume")["state"] == "queued"
    assert jobs.run_due(database, service.jobs(settings)) == 1

    assert read(database, job_id).state == "succeeded"
    assert renamed(database) == 1200


def test_a_worker_told_to_stop_hands_its_job_on_at_once(
    database: Database, settings: Settings
) -> None:
    fill(database, 1200)
    job_id = enqueue(database)
    stopping = threading.Event()

    jobs.run_due(database, stopping_after_a_chunk(stopping), stopping)

    left = read(database, job_id)
    assert (left.state, left.done, left.attempts) == ("running", 500, 0)
    assert jobs.run_due(database, service.jobs(settings)) == 1
    assert read(database, job_id).state == "succeeded"


def test_a_cancelled_job_keeps_what_is_done_and_does_no_more(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    fill(database, 1200)
    job_id = enqueue(database)
    stopping = threading.Event()
    jobs.run_due(database, stopping_after_a_chunk(stopping), stopping)

    assert post(client, job_id, "cancel")["finished_at"] is not None
    jobs.run_due(database, service.jobs(settings))

    assert (renamed(database), rows(database, job_id)) == (500, {"done": 500, "pending": 700})
    assert post(client, job_id, "resume", 409)["type"].endswith("/job-state")


def test_undo_takes_back_exactly_what_was_done_and_only_once(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    fill(database, 1200)
    job_id = enqueue(database)
    stopping = threading.Event()
    jobs.run_due(database, stopping_after_a_chunk(stopping), stopping)
    post(client, job_id, "undo", 409)
    post(client, job_id, "pause")

    undoing = post(client, job_id, "undo", 202)
    post(client, job_id, "undo", 409)
    jobs.run_due(database, service.jobs(settings))

    assert (undoing["kind"], undoing["total"], undoing["undoes"]) == ("unname", 500, str(job_id))
    assert renamed(database) == 0
    assert read(database, job_id).state == "cancelled", "a resume would do it all again"
    assert post(client, UUID(undoing["id"]), "undo", 409)["detail"] == "unname has no inverse"


def whole(work: Callable[[Callable[[int], None]], dict[str, Any]]) -> Jobs:
    return Jobs(Kind(name="rename", whole=lambda _database, _job, progress: work(progress)))


def test_a_whole_job_reports_and_hears_that_it_was_cancelled(
    client: FlaskClient, database: Database
) -> None:
    job_id = enqueue(database, subjects=[])
    reached: list[int] = []

    def work(progress: Callable[[int], None]) -> dict[str, Any]:
        progress(10)
        reached.append(read(database, job_id).done)
        post(client, job_id, "cancel")
        progress(20)
        raise AssertionError("it was cancelled")

    jobs.run_due(database, whole(work))

    assert reached == [10]
    assert read(database, job_id).state == "cancelled"


def test_a_whole_job_lets_go_when_its_worker_stops(database: Database) -> None:
    job_id = enqueue(database, subjects=[])
    stopping = threading.Event()

    def work(progress: Callable[[int], None]) -> dict[str, Any]:
        stopping.set()
        with pytest.raises(Interrupted):
            progress(1)
        raise Interrupted

    jobs.run_due(database, whole(work), stopping)

    assert jobs.run_due(database, whole(lambda _progress: {"made": True})) == 1
    assert read(database, job_id).result == {"made": True}


def test_a_whole_job_that_reports_nothing_keeps_its_lease(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sort of 20 million rows is silent for longer than a lease; nobody may begin it again."""
    monkeypatch.setattr(running, "RENEW_SECONDS", 0.02)
    job_id = enqueue(database, subjects=[])

    def work(_progress: Callable[[int], None]) -> dict[str, Any]:
        let_lease_run_out(database)
        waiting.until(lambda: not _due(database))
        return {}

    jobs.run_due(database, whole(work))

    assert read(database, job_id).state == "succeeded"


def _due(database: Database) -> bool:
    with database.transaction() as session:
        return jobs.due(session)


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

    workers = [threading.Thread(target=waiting.until, args=[all_done]) for _ in range(3)]
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
