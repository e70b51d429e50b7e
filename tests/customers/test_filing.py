"""Who is erased stands in the file of tombstones, and a restored database reads it (F36, I10)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from customers import certifying, erasure_saga, filing
from customers.exporting import RESOURCES
from customers.preparing import migrate
from customers.web import build
from shared import tombstones
from shared.database import Database
from shared.tombstone_file import START, Altered, Tombstone, TombstoneFile, file_of
from tests.customers.conftest import Site
from tests.customers.erasing import advance, answer, ask, certify, erase, search_elsewhere
from tests.support.waiting import until


def lines(site: Site) -> list[Tombstone]:
    return file_of(site.settings).read(START, 1000)[0]


def file_due(site: Site) -> int:
    return filing.file_due(site.database, site.settings)


def read_bytes(site: Site) -> int:
    return int(site.one("SELECT bytes FROM tombstones_read").bytes)


def backup(site: Site) -> str:
    """A copy of the database as it is; its name."""
    name = site.settings.database_url.database

    def copied() -> bool:
        site.database.engine.dispose()
        try:
            on_server(site, f'CREATE DATABASE "{name}_backup" TEMPLATE "{name}"')
        except psycopg.errors.ObjectInUse:  # who looked at whom is noted a moment later
            return False
        return True

    until(copied, message="the database is never at rest")
    return f"{name}_backup"


def restore(site: Site, copy: str) -> None:
    name = site.settings.database_url.database
    site.database.engine.dispose()
    on_server(site, f'DROP DATABASE "{name}" WITH (FORCE)')
    on_server(site, f'ALTER DATABASE "{copy}" RENAME TO "{name}"')
    site.database.engine.dispose()


def on_server(site: Site, statement: str) -> None:
    server = site.settings.database_url.set(drivername="postgresql", database="postgres")
    url = server.render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize("mode", ["pseudonymise", "everything"])
def test_a_tombstone_stands_in_the_file_before_the_certificate_is_issued_f36(
    site: Site, mode: str
) -> None:
    gone = site.deleted("rahim")
    site.change("UPDATE customer SET erase_after = NULL")
    erasure = ask(site, gone, mode=mode)
    advance(site)
    assert file_due(site) == 0, "the other services have not erased yet"
    answer(site, erasure, [gone["id"]])
    search_elsewhere(site)
    assert certifying.certify_due(site.database, site.settings) == 0
    assert lines(site) == []
    assert file_due(site) == 1
    (line,) = lines(site)
    assert (str(line.customer_id), str(line.erasure_id)) == (gone["id"], erasure)
    assert (line.mode, line.operator_path) == (mode, site.admin.path)
    assert certifying.certify_due(site.database, site.settings) == 1
    assert file_due(site) == 0
    assert "rahim" not in file_of(site.settings).path.read_text().lower()


def test_one_whose_erasure_is_refused_gets_no_tombstone(site: Site) -> None:
    gone, kept = site.deleted("gone"), site.deleted("kept")
    body = {"all": True, "confirm": "ERASE 2 CUSTOMERS", "legal_basis": "clean"}
    erasure = site.admin.bulk("/v1/deleted-customers/erase", body).get_json()["id"]
    site.change('UPDATE customer SET legal_hold = \'{"case": "1"}\' WHERE id = :id', id=kept["id"])
    advance(site)
    answer(site, erasure, [gone["id"]])
    assert certify(site) == 1
    assert [str(one.customer_id) for one in lines(site)] == [gone["id"]]


def test_killed_between_the_line_and_the_row_writes_the_line_again_f36(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = site.deleted("rahim")
    erasure = ask(site, gone)
    advance(site)
    answer(site, erasure, [gone["id"]])
    with monkeypatch.context() as patch:
        patch.setattr(tombstones, "keep", _killed)
        with pytest.raises(KeyboardInterrupt):
            file_due(site)
    assert len(lines(site)) == 1 and read_bytes(site) == 0
    assert certify(site) == 1
    assert {str(one.customer_id) for one in lines(site)} == {gone["id"]}
    assert read_bytes(site) == file_of(site.settings).path.stat().st_size


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("was", ["deleted", "alive"])
@pytest.mark.parametrize("mode", ["pseudonymise", "everything"])
def test_a_restored_database_erases_again_before_it_serves_with_the_same_mode_f36(
    site: Site, mode: str, was: str
) -> None:
    gone = site.customer("rahim")
    copy = backup(site) if was == "alive" else None
    site.admin.post(f"/v1/customers/{gone['id']}/delete", {"reason": "closed_account"})
    site.change("UPDATE customer SET erase_after = NULL")
    copy = copy or backup(site)
    erasure = erase(site, gone, mode=mode)
    restore(site, copy)
    app = build(site.settings)
    for url in ("/readyz", f"/v1/customers/{gone['id']}", "/v1/customers?q=rahim"):
        refused = app.test_client().get(
            url, headers={"Authorization": f"Bearer {site.admin.token}"}
        )
        assert refused.status_code == 503 and "ahim" not in refused.text
        if url == "/readyz":
            checks = refused.get_json()["checks"]
            assert (checks["tombstones"], checks["database"]) == (False, True)
        else:
            assert "erased again" in refused.get_json()["detail"]
    migrate(site.settings)
    assert app.test_client().get("/readyz").status_code == 200
    app.extensions["tenure.database"].close()
    row = site.one("SELECT * FROM customer WHERE id = :id", id=gone["id"])
    assert (row.state, row.name, row.username) == ("erasing", "", "")
    told = site.events(gone["id"])[-2]
    assert (told.type, told.data["mode"]) == ("customer.erasing", mode)
    answer(site, erasure, [gone["id"]])
    assert certify(site) == 1
    found = site.admin.get(f"/v1/erasures/{erasure}").get_json()
    assert (found["state"], found["source"], found["mode"]) == ("done", "replay", mode)
    proof = site.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()
    assert proof["document"]["mode"] == mode


def test_a_backup_that_had_the_erasure_cooling_erases_whom_the_file_names_alone_f36(
    site: Site,
) -> None:
    gone, other = site.deleted("rahim"), site.deleted("other")
    body = {"all": True, "confirm": "ERASE 2 CUSTOMERS", "legal_basis": "clean"}
    erasure = site.admin.bulk("/v1/deleted-customers/erase", body).get_json()["id"]
    site.change("UPDATE erasure SET state = 'cooling', runs_at = now() + interval '1 day'")
    line = Tombstone(gone["id"], erasure, "everything", "1/", site.one("SELECT now() AS at").at)
    file_of(site.settings).append([line], START)
    migrate(site.settings)
    found = site.admin.get(f"/v1/erasures/{erasure}").get_json()
    assert (found["state"], found["total"], found["refused"]) == ("running", 2, 1)
    assert site.admin.get(f"/v1/deleted-customers/{gone['id']}").status_code == 410
    assert site.admin.get(f"/v1/deleted-customers/{other['id']}").status_code == 200


def test_an_erased_one_whom_the_backup_never_had_can_not_be_imported_f36(site: Site) -> None:
    customer = "0197a1b2-0000-7000-8000-000000000001"
    at = site.one("SELECT now() AS at").at
    file_of(site.settings).append([Tombstone(customer, customer, "everything", "1/", at)], START)  # type: ignore[arg-type]
    migrate(site.settings)
    assert site.one("SELECT count(*) AS n FROM tombstone").n == 1
    assert site.one("SELECT count(*) AS n FROM erasure").n == 0


@pytest.mark.parametrize("harm", ["missing", "cut off"])
def test_a_file_that_is_gone_is_an_alarm_and_written_anew_from_the_database_f36(
    site: Site, harm: str
) -> None:
    for name in ("first", "second"):
        erase(site, site.deleted(name))
    before = {one.customer_id for one in lines(site)}
    path = file_of(site.settings).path
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:150])
    file_due(site)
    assert {one.customer_id for one in lines(site)} == before and len(before) == 2
    assert read_bytes(site) == path.stat().st_size
    metrics = site.app.test_client().get("/metrics").text
    assert 'tenure_tombstones_lost{service="customers"} 1.0' in metrics
    site.change("UPDATE tombstones_read SET lost_at = now() - interval '2 days'")
    metrics = site.app.test_client().get("/metrics").text
    assert 'tenure_tombstones_lost{service="customers"} 0.0' in metrics


def altered(site: Site) -> TombstoneFile:
    file = file_of(site.settings)
    content = file.path.read_bytes()
    file.path.write_bytes(content.replace(b"pseudonymise", b"everything", 1))
    return file


def test_an_altered_file_stops_the_start_and_says_what_to_do_f36(site: Site) -> None:
    erase(site, site.deleted("rahim"))
    file = altered(site)
    with pytest.raises(SystemExit, match="the line at byte 0 is not as it was written"):
        migrate(site.settings)
    app = build(site.settings)
    assert app.test_client().get("/readyz").status_code == 503
    with pytest.raises(Altered):
        file_due(site)
    file.path.rename(file.path.with_suffix(".bad"))
    migrate(site.settings)
    assert file_due(site) == 1 and len(lines(site)) == 1
    assert app.test_client().get("/readyz").status_code == 200
    app.extensions["tenure.database"].close()


def test_two_workers_write_each_line_once(site: Site) -> None:
    gone = site.deleted("rahim")
    erasure = ask(site, gone)
    advance(site)
    answer(site, erasure, [gone["id"]])
    with site.database.lock("tombstones"):
        assert file_due(site) == 0
    assert file_due(site) == 1
    assert len(lines(site)) == 1


def test_a_new_database_beside_a_file_reads_all_of_it_and_one_that_is_up_to_date_nothing(
    site: Site, tmp_path: Path
) -> None:
    erase(site, site.deleted("rahim"))
    erasing = filing.of_the_file(site.database, site.settings)
    claimed, end = tombstones.catch_up(site.database, site.settings, erasing)
    assert (claimed, end.bytes) == (0, read_bytes(site))
    assert tombstones.reopen(site.database, site.settings, erasing) == 0
    elsewhere = replace(site.settings, tombstones=tmp_path / "elsewhere")
    with site.database.transaction() as session:
        session.execute(text("UPDATE tombstones_read SET lost_at = NULL"))
    assert tombstones.catch_up(site.database, elsewhere, erasing) == (0, START)
    assert site.one("SELECT lost_at FROM tombstones_read").lost_at is not None


def test_the_web_role_stays_closed_until_what_is_held_of_them_is_removed_f36(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old events in the feed name them, too."""
    gone = site.customer("rahim")
    copy = backup(site)
    site.admin.post(f"/v1/customers/{gone['id']}/delete", {"reason": "closed_account"})
    erase(site, gone)
    restore(site, copy)
    with monkeypatch.context() as patch:
        patch.setattr(erasure_saga, "advance", lambda *_: 0)  # another worker is at it
        migrate(site.settings)
    assert site.app.test_client().get("/readyz").status_code == 503
    worker = Database(site.settings)
    assert erasure_saga.advance(worker, site.settings, RESOURCES) == 1
    assert site.app.test_client().get("/readyz").status_code == 200
    filing.file_due(worker, site.settings)
    worker.close()
    assert site.one("SELECT state FROM customer").state == "erasing"
    assert read_bytes(site) == file_of(site.settings).path.stat().st_size
