"""A job is paused, cancelled, undone, handed on; work that is no list of rows (F37)."""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import jobs
from shared.database import Database
from shared.jobs import Interrupted, Jobs, Kind, Row, Verdict, running
from shared.settings import Settings
from tests.shared.renaming import enqueue, fill, let_lease_run_out, read, renamed, rows
from tests.shared.toy import service
from tests.shared.toy.service import bearer
from tests.support import waiting

ADMIN = bearer()


def stopping_after_a_chunk(stopping: threading.Event) -> Jobs:
    def chunk(session: Session, job: Row, subjects: Sequence[UUID]) -> Mapping[UUID, Verdict]:
        stopping.set()
        return service.rename(session, job, subjects)

    return Jobs(Kind(name="rename", permission="jobs.write", chunk=chunk))


def _key(database: Database, key: str, scopes: Sequence[str]) -> dict[str, str]:
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO api_key_fact (id, version, digest, operator_id, operator_path,"
                " operator_username, role, scopes, revoked) VALUES (gen_random_uuid(), 1, :digest,"
                " gen_random_uuid(), '1/', 'admin', 'admin', :scopes, false)"
                " ON CONFLICT (digest) DO NOTHING"
            ),
            {"digest": hashlib.sha256(key.encode()).hexdigest(), "scopes": list(scopes)},
        )
    return {"Authorization": f"Bearer {key}"}


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


def test_who_moves_a_job_may_do_what_it_does_then(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    """API2: a key that may steer jobs does not, by an undo, what its scopes leave out."""
    fill(database, 1200)
    job_id = enqueue(database)
    stopping = threading.Event()
    jobs.run_due(database, stopping_after_a_chunk(stopping), stopping)

    def ask(what: str, *scopes: str) -> Any:
        key = f"tnr_{'+'.join(scopes)}"
        return client.post(f"/v1/jobs/{job_id}/{what}", headers=_key(database, key, scopes))

    assert ask("pause", "jobs.write").status_code == 200
    for what, needed in (
        ("resume", "customers.write"), ("retry", "customers.write"), ("undo", "customers.delete"),
    ):  # fmt: skip
        refused = ask(what, "jobs.write", "customers.read")
        assert (refused.status_code, refused.get_json()["permission"]) == (403, needed), what
    assert ask("resume", "jobs.write", "customers.write").status_code == 200
    assert ask("cancel", "jobs.write").status_code == 200
    assert ask("undo", "jobs.write", "customers.write").status_code == 403
    assert ask("undo", "jobs.write", "customers.delete").status_code == 202


def test_a_dry_run_has_nothing_to_undo(client: FlaskClient, database: Database) -> None:
    job_id = enqueue(database, params={"dry_run": True})
    with database.transaction() as session:
        session.execute(text("UPDATE job SET state = 'succeeded'"))

    assert "dry run" in post(client, job_id, "undo", 409)["detail"]


def test_a_move_that_is_not_possible_says_which_jobs_take_it(
    client: FlaskClient, database: Database
) -> None:
    detail = post(client, enqueue(database), "resume", 409)["detail"]

    assert detail == "only a job that is paused takes a resume"


def _due(database: Database) -> bool:
    with database.transaction() as session:
        return jobs.due(session)


def whole(work: Callable[[Callable[[int], None]], dict[str, Any]]) -> Jobs:
    return Jobs(
        Kind(
            name="rename",
            permission="jobs.write",
            whole=lambda _database, _job, progress: work(progress),
        )
    )


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
