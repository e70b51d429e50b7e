"""The data-subject export: everything that every service holds on one person, and of nobody else."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from customers.jobs import kinds
from shared import jobs, operations
from shared.database import Database
from shared.operations import SYSTEM
from tests.customers.conftest import Caller, Site
from tests.customers.erasing import advance, ask
from tests.customers.neighbour import NOWHERE, neighbour
from tests.customers.test_erasure_catalogue import SECRETS, a_whole_life, everywhere


@pytest.fixture
def others(site: Site, postgres: str, redis_url: str, tmp_path: Path) -> Iterator[Database]:
    """Both other services are one that has every service's tables: its database."""
    with neighbour(site, postgres, redis_url, tmp_path, "payments", "radius-sync") as opened:
        yield opened


def run(site: Site) -> None:
    jobs.run_due(site.database, kinds(site.settings))


def asked(site: Site, customer: dict[str, Any], caller: Caller | None = None) -> Any:
    answer = (caller or site.admin).bulk(f"/v1/customers/{customer['id']}/data-export", {})
    assert answer.status_code == 202, answer.text
    return answer.get_json()


def fetched(site: Site, export: Any) -> dict[str, Any]:
    answer = site.admin.get(f"/v1/exports/{export['export_id']}/file")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        found = {name: orjson.loads(archive.read(name)) for name in archive.namelist()}
    answer.close()
    return found


def test_all_that_is_held_in_every_service_and_nothing_of_others(
    site: Site, others: Database
) -> None:
    """A37, the other way round: what an erasure would remove is what the person can have."""
    made = a_whole_life(site)
    other = site.customer("stranger", name="Ormond Blackwater")
    with others.transaction() as session:
        operations.record(
            session, SYSTEM, "thing.made", "thing", None, operator_path="1/", after={"of": "nobody"}
        )
        operations.record(
            session, SYSTEM, "thing.made", "customer", made["id"], operator_path="1/",
            after={"paid": "500.00"},
        )  # fmt: skip
    spread = set(everywhere(site, "vexworth"))
    export = asked(site, made)
    run(site)
    found = fetched(site, export)
    assert set(found) == {"customers.json", "payments.json", "radius-sync.json", "manifest.json"}

    own = found["customers.json"]
    # What stands in a job's order or a saved view is no row of the person; all else is in the file.
    assert spread - set(own) <= {"job"}
    text = orjson.dumps(found).decode()
    for value in SECRETS.values():
        assert value in text, value
    assert own["customer"][0]["password_sealed"] == "[sealed]" and "v1:" not in text
    assert other["id"] not in text and "Blackwater" not in text
    (detail,) = found["payments.json"]["operation_detail"]
    assert detail["after"] == {"paid": "500.00"} and "salt" not in detail
    counts = {table: len(rows) for table, rows in own.items()}
    assert found["manifest.json"]["rows"]["customers"] == counts
    listed = site.admin.get(f"/v1/exports/{export['export_id']}").get_json()
    assert listed["manifest"]["rows"] == listed["rows_written"] > 10
    logged = site.one("SELECT * FROM operation WHERE action = 'customer.data_export_requested'")
    assert str(logged.subject) == made["id"]
    site.app.extensions["tenure.access_log"].flush()
    (look,) = site.admin.get("/v1/access-log?what=export_file").get_json()["items"]
    assert look["subject"] == made["id"] and look["records"] == listed["rows_written"]


def test_a_service_that_is_away_fails_the_job_by_name_and_leaves_no_file(site: Site) -> None:
    urls = {**site.settings.urls, "payments": NOWHERE}
    object.__setattr__(site.settings, "urls", urls)
    made = site.customer("rahim")
    job = asked(site, made)
    run(site)
    seen = site.admin.get(f"/v1/jobs/{job['id']}").get_json()
    assert seen["state"] == "failed" and "payments does not answer" in seen["error"]
    folder = site.settings.home / "exports" / "customers"
    assert list(folder.iterdir()) == []


def test_an_erasure_removes_the_file_and_stops_one_under_way(site: Site, others: Database) -> None:
    """A37: no copy of the person is left, and none is made afterwards."""
    made, later = site.deleted("rahim"), site.deleted("karim")
    done = asked(site, made)
    run(site)
    (file,) = (site.settings.home / "exports" / "customers").iterdir()
    waiting = asked(site, later)
    for one in (made, later):
        ask(site, one)
    advance(site)
    assert not file.exists()
    assert site.admin.get(f"/v1/exports/{done['export_id']}/file").status_code == 410
    run(site)
    assert site.admin.get(f"/v1/jobs/{waiting['id']}").get_json()["state"] == "failed"
    again = site.admin.bulk(f"/v1/customers/{made['id']}/data-export", {})
    assert again.status_code == 410


def test_only_the_branch_may_ask_and_only_who_asked_may_fetch(site: Site, others: Database) -> None:
    boss, other = site.operator("boss", "manager"), site.operator("other", "manager")
    made = site.customer("rahim", boss)
    assert other.bulk(f"/v1/customers/{made['id']}/data-export", {}).status_code == 404
    assert boss.post(f"/v1/customers/{made['id']}/data-export", {}).status_code == 400
    export = asked(site, made, boss)
    run(site)
    assert other.get(f"/v1/exports/{export['export_id']}/file").status_code == 404
    below = site.operator("below", "reseller", boss)
    assert below.get(f"/v1/exports/{export['export_id']}/file").status_code == 404
    answer = boss.get(f"/v1/exports/{export['export_id']}/file")
    assert answer.status_code == 200
    answer.close()
    assert boss.get(f"/v1/data-subjects/{made['id']}").status_code == 403
