"""Exports asked for over HTTP, made by a job, fetched and forgotten (E20 to E24, B22, F37)."""

import csv
import hashlib
import io
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy
from flask.testing import FlaskClient
from sqlalchemy import text

from shared import exporting, jobs
from shared.database import Database
from shared.settings import Settings
from tests.shared.toy import service
from tests.shared.toy.service import THINGS, add_thing, bearer

ADMIN, NORTH, NORTH_CHILD = bearer(), bearer("1/4/", "reseller"), bearer("1/4/9/", "reseller")
SOUTH = bearer("1/5/", "reseller")


@pytest.fixture(autouse=True)
def things(database: Database) -> None:
    with database.transaction() as session:
        for path, name in [
            ("1/4/", "Anna"),
            ("1/4/9/", "=1+1"),
            ("1/5/", "Chaya"),
            ("1/6/", "Dip"),
        ]:
            add_thing(session, path, name, "+8801711000000")


def ask(client: FlaskClient, who: Mapping[str, str], key: str = "key-00000001", **body: Any) -> Any:
    return client.post(
        "/v1/exports", json={"resource": "things", **body}, headers={**who, "Idempotency-Key": key}
    )


def run(database: Database, settings: Settings) -> None:
    jobs.run_due(database, service.jobs(settings))


def made(
    client: FlaskClient, who: Mapping[str, str], database: Database, settings: Settings
) -> str:
    answer = ask(client, who)
    assert answer.status_code == 202
    run(database, settings)
    return str(answer.get_json()["export_id"])


def fetched(client: FlaskClient, who: Mapping[str, str], export_id: str) -> list[list[str]]:
    answer = client.get(f"/v1/exports/{export_id}/file", headers=who, buffered=True)
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_an_export_holds_the_callers_branch_and_nothing_else_e23(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    export_id = made(client, NORTH, database, settings)

    rows = fetched(client, NORTH, export_id)

    assert rows[0] == ["Name", "Phone", "Amount"]
    assert sorted(row[0] for row in rows[1:]) == ["'=1+1", "Anna"]


def test_row_level_security_holds_when_the_query_forgets_the_scope(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    careless = exporting.Resource(
        name="things", columns=THINGS.columns, permission="customers.read",
        select=lambda _filters, _scope: sqlalchemy.select(service.thing),
    )  # fmt: skip
    export_id = ask(client, SOUTH).get_json()["export_id"]

    jobs.run_due(database, jobs.Jobs(exporting.export_kind([careless], settings)))

    assert [row[0] for row in fetched(client, SOUTH, export_id)] == ["Name", "Chaya"]


def test_the_job_tells_where_it_is_and_the_manifest_what_the_file_is(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    answer = ask(client, ADMIN, columns=["phone", "amount"], format="csv")
    place = f"/v1/exports/{answer.get_json()['export_id']}"
    before = client.get(place, headers=ADMIN).get_json()
    early = client.get(f"{place}/file", headers=ADMIN, buffered=True)
    run(database, settings)
    after = client.get(place, headers=ADMIN).get_json()
    job = client.get(answer.headers["Location"], headers=ADMIN).get_json()
    file = client.get(after["url"], headers=ADMIN, buffered=True)

    assert (before["state"], before["url"], early.status_code) == ("queued", None, 409)
    assert (after["state"], job["state"]) == ("succeeded", "succeeded")
    assert after["manifest"]["rows"] == 4
    assert after["manifest"]["sha256"] == hashlib.sha256(file.get_data()).hexdigest()
    assert after["manifest"]["columns"] == ["phone", "amount"]
    assert job["result"]["export_id"] == after["id"]


def test_the_file_comes_as_a_download_that_no_browser_interprets(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    export_id = made(client, ADMIN, database, settings)

    answer = client.get(f"/v1/exports/{export_id}/file", headers=ADMIN, buffered=True)

    name = f"things-{export_id}.csv"
    assert answer.headers["Content-Disposition"] == (
        f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
    )
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Repr-Digest"].startswith("sha-256=:")


def test_files_are_readable_by_their_owner_only(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    made(client, ADMIN, database, settings)

    folder = exporting.folder_of(settings)
    (file,) = folder.iterdir()

    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert oct(folder.stat().st_mode & 0o777) == "0o700"


@pytest.mark.parametrize("sort", ["name", "-name", "-phone,name", "phone,-name"])
def test_a_file_has_the_order_of_the_list_b24_e23(
    client: FlaskClient, database: Database, settings: Settings, sort: str
) -> None:
    with database.transaction() as session:
        for name in ("Esha", "Anna", "Anna"):
            add_thing(session, "1/4/", name)

    asked = ask(client, ADMIN, sort=sort).get_json()["export_id"]
    run(database, settings)

    listed = client.get("/v1/things", query_string={"sort": sort}, headers=ADMIN).get_json()
    shown = [
        [item["name"].replace("=1+1", "'=1+1"), item["phone"] or ""] for item in listed["items"]
    ]
    assert [row[:2] for row in fetched(client, ADMIN, asked)[1:]] == shown


@pytest.mark.parametrize(
    ("who", "detail", "file"),
    [(NORTH, 200, 404), (SOUTH, 404, 404), (ADMIN, 200, 200), (NORTH_CHILD, 200, 200)],
    ids=["the reseller above", "a sibling", "the admin above", "who asked"],
)
def test_only_who_asked_and_an_admin_above_get_the_file_b22(
    client: FlaskClient,
    database: Database,
    settings: Settings,
    who: Mapping[str, str],
    detail: int,
    file: int,
) -> None:
    export_id = made(client, NORTH_CHILD, database, settings)

    seen = client.get(f"/v1/exports/{export_id}", headers=who)

    assert seen.status_code == detail
    assert (
        client.get(f"/v1/exports/{export_id}/file", headers=who, buffered=True).status_code == file
    )
    assert detail == 404 or (seen.get_json()["url"] is None) == (file == 404)


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"resource": "secrets"}, 422, "/resource"),
        ({"format": "exe"}, 422, "/format"),
        ({"columns": ["name", "password"]}, 422, "/columns"),
        ({"columns": []}, 422, "/columns"),
        ({"filter": {"operator_path": "1/"}}, 422, "/filter/operator_path"),
        ({"filter": {"name": 5}}, 422, "/filter/name"),
        ({"time_zone": "../etc/passwd"}, 422, "/time_zone"),
        ({"sort": "operator_path"}, 422, "/sort"),
        ({"sort": "name,-name"}, 422, "/sort"),
        ({"sort": ""}, 422, "/sort"),
        ({"path": "/etc/passwd"}, 422, "/path"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_its_field_b22(
    client: FlaskClient, body: dict[str, Any], status: int, pointer: str
) -> None:
    answer = ask(client, ADMIN, **body)

    assert answer.status_code == status
    assert answer.get_json()["errors"][0]["pointer"].startswith(pointer)


def test_an_export_needs_a_key_and_the_same_key_gets_the_same_export_b12(
    client: FlaskClient,
) -> None:
    without = client.post("/v1/exports", json={"resource": "things"}, headers=ADMIN)
    first, again = ask(client, ADMIN), ask(client, ADMIN)

    assert without.status_code == 400
    assert first.get_json()["export_id"] == again.get_json()["export_id"]
    assert again.headers["Idempotency-Replayed"] == "true"


def test_an_export_of_the_past_is_gone_with_its_file_and_filter(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    answer = ask(client, ADMIN, filter={"name": "Anna"})
    run(database, settings)
    with database.transaction() as session:
        session.execute(text("UPDATE export SET expires_at = now() - interval '1 second'"))
    place = f"/v1/exports/{answer.get_json()['export_id']}"
    over = client.get(f"{place}/file", headers=ADMIN, buffered=True)

    with database.transaction() as session:
        swept = exporting.remove_expired(session, settings)

    assert over.status_code == 410
    assert swept == {"expired": 1, "left_behind": 0}
    assert list(exporting.folder_of(settings).iterdir()) == []
    assert client.get(f"{place}/file", headers=ADMIN, buffered=True).status_code == 410
    assert client.get(place, headers=ADMIN).get_json()["state"] == "removed"
    with database.transaction() as session:
        assert "filter" not in session.scalar(text("SELECT params FROM export"))


def test_what_a_crash_left_in_the_folder_is_swept_f37(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    export_id = made(client, ADMIN, database, settings)
    stray = exporting.folder_of(settings) / f"things-{UUID(int=7)}.csv"
    stray.write_text("left by a crash between the file and its row")

    with database.transaction() as session:
        swept = exporting.remove_expired(session, settings)

    assert swept == {"expired": 0, "left_behind": 1}
    assert not stray.exists()
    assert fetched(client, ADMIN, export_id)


def test_an_erasure_removes_the_files_of_the_branches_above_and_no_others(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    above, itself = ask(client, ADMIN, "key-admin-1"), ask(client, NORTH_CHILD, "key-child-1")
    beside = ask(client, SOUTH, "key-south-1")
    run(database, settings)
    later = ask(client, ADMIN, "key-admin-2")

    with database.transaction() as session:
        removed = exporting.forget(session, settings, [THINGS], branches=["1/4/9/"])
    run(database, settings)

    assert removed == 2
    for answer, who, status in [
        (above, ADMIN, 410), (itself, NORTH_CHILD, 410), (beside, SOUTH, 200), (later, ADMIN, 200),
    ]:  # fmt: skip
        place = f"/v1/exports/{answer.get_json()['export_id']}/file"
        assert client.get(place, headers=who, buffered=True).status_code == status
    assert len(list(exporting.folder_of(settings).iterdir())) == 2


def test_a_file_written_while_a_customer_is_erased_is_not_published(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    answer = ask(client, ADMIN)

    def erase_meanwhile(filters: Any, scope: Any) -> Any:
        with database.transaction() as session:
            exporting.forget(session, settings, [THINGS])
        return THINGS.select(filters, scope)

    slow = exporting.Resource(
        name="things", columns=THINGS.columns, permission="customers.read", select=erase_meanwhile
    )
    jobs.run_due(database, jobs.Jobs(exporting.export_kind([slow], settings)))

    assert list(exporting.folder_of(settings).iterdir()) == []
    job = client.get(answer.headers["Location"], headers=ADMIN).get_json()
    assert (job["state"], "erased" in job["error"]) == ("failed", True)


def test_an_export_that_begins_during_an_erasure_waits_for_its_end(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    with database.transaction() as session:
        assert exporting.forget(session, settings, [THINGS]) == 0
        session.execute(text("DELETE FROM thing WHERE name = 'Anna'"))
        answer = ask(client, ADMIN)
        worker = threading.Thread(target=run, args=[database, settings])
        worker.start()
        session.execute(text("COMMIT; BEGIN"))
    worker.join()

    names = [row[0] for row in fetched(client, ADMIN, answer.get_json()["export_id"])]
    assert names == ["Name", "'=1+1", "Chaya", "Dip"]


def test_a_worker_killed_over_an_export_leaves_it_to_the_next_f37(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    answer = ask(client, ADMIN)

    class Killed(BaseException):
        pass

    def die(filters: Any, scope: Any) -> Any:
        raise Killed

    dying = exporting.Resource(
        name="things", columns=THINGS.columns, permission="customers.read", select=die
    )
    with pytest.raises(Killed):
        jobs.run_due(database, jobs.Jobs(exporting.export_kind([dying], settings)))
    with database.transaction() as session:
        session.execute(text("UPDATE job SET lease_until = now() - interval '1 second'"))
    run(database, settings)

    assert len(fetched(client, ADMIN, answer.get_json()["export_id"])) == 5


def test_the_list_shows_the_branch_only(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    for place, who in enumerate([ADMIN, NORTH, SOUTH]):
        ask(client, who, f"key-0000000{place}")

    seen = client.get("/v1/exports", headers=NORTH).get_json()["items"]

    assert len(seen) == 1
    assert len(client.get("/v1/exports?resource=things", headers=ADMIN).get_json()["items"]) == 3


def test_the_log_names_who_asked_and_who_fetched(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    export_id = made(client, NORTH, database, settings)
    fetched(client, ADMIN, export_id)

    lines = client.get(f"/v1/operations?subject={export_id}", headers=ADMIN).get_json()["items"]

    assert [(line["action"], line["actor"]) for line in reversed(lines)] == [
        ("export.requested", "operator 1/4/"),
        ("export.fetched", "operator 1/"),
    ]


def test_only_paths_of_our_own_making_reach_the_disk(tmp_path: Path) -> None:
    row = type("Export", (), {"resource": "../../etc", "id": UUID(int=1), "format": "csv"})

    with pytest.raises(ValueError, match="only letters"):
        exporting.name_of(row)
