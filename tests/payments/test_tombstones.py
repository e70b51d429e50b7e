"""A database restored from before an erasure shows nobody who was erased (F36)."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from payments import erasure
from payments.preparing import migrate
from payments.settings import PaymentsSettings
from shared import tombstones
from shared.database import Database
from shared.tombstone_file import START, Tombstone, file_of
from tests.payments.stage import Stage
from tests.payments.test_erasure import person, receipt, traces


@pytest.mark.parametrize("mode", ["pseudonymise", "everything"])
def test_the_web_role_is_closed_until_migrate_has_erased_again_f36(
    stage: Stage, database: Database, settings: PaymentsSettings, mode: str
) -> None:
    customer = person(stage)
    shown = stage.get("/v1/payments", customer_id=str(customer))
    assert shown.status_code == 200 and "Karim" in shown.text
    tombstone = Tombstone(customer, uuid4(), mode, "1/4/", datetime.now(UTC))
    file_of(settings).append([tombstone], START)
    database.engine.dispose()  # a restored database has no connection of before

    ready = stage.client.get("/readyz")
    assert (ready.status_code, ready.get_json()["checks"]["tombstones"]) == (503, False)
    refused = stage.get("/v1/payments", customer_id=str(customer))
    assert refused.status_code == 503 and "Karim" not in refused.text

    migrate(settings)
    migrate(settings)
    assert stage.client.get("/readyz").status_code == 200
    assert traces(stage) == set()
    told = receipt(stage, customer)
    assert (told["erasure_id"], told["mode"]) == (str(tombstone.erasure_id), mode)
    left = stage.rows("SELECT count(*) AS n FROM payment WHERE customer_id = :id", id=customer)
    assert (left[0].n > 0) == (mode == "pseudonymise")


def test_one_of_whom_it_never_heard_is_erased_before_late_news_comes_f36(
    stage: Stage, settings: PaymentsSettings
) -> None:
    never_heard_of = uuid4()
    tombstone = Tombstone(never_heard_of, uuid4(), "everything", "1/4/", datetime.now(UTC))
    file_of(settings).append([tombstone], START)
    worker = Database(settings)
    assert tombstones.catch_up(worker, settings, erasure.of_the_file(settings))[0] == 1
    assert tombstones.catch_up(worker, settings, erasure.of_the_file(settings))[0] == 0
    worker.close()
    (fact,) = stage.rows(
        "SELECT name, erased_at FROM customer_fact WHERE id = :id", id=never_heard_of
    )
    assert fact.name == "[erased]" and fact.erased_at is not None
