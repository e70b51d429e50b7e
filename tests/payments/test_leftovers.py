"""The search for leftovers in the books: every table, by table and column, never the name (A37)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from payments.leftovers import BOOKS
from payments.settings import PaymentsSettings
from shared import leftovers
from shared.database import Database
from shared.events import ErasureSearching
from tests.payments.stage import Stage
from tests.payments.statements import table, take
from tests.support import catalogue


def searched(
    stage: Stage, database: Database, settings: PaymentsSettings, erasure: UUID
) -> dict[str, Any]:
    """What payments answers to who asks for the search."""
    stage.hear(ErasureSearching(subject=erasure, sequence=1, operator_path="1/"))
    assert leftovers.search_due(database, "payments", BOOKS, settings.secret_key) == 1
    (row,) = stage.rows(
        "SELECT data, operator_path FROM outbox WHERE type = 'erasure.searched'"
        " AND subject = :id ORDER BY position DESC LIMIT 1",
        id=erasure,
    )
    assert row.operator_path == "1/"
    found: dict[str, Any] = row.data
    return found


def test_nothing_is_left_of_who_was_erased_and_the_needles_go(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    customer = stage.customer("Karim Ahmed")
    stage.paid(customer, "500.00", note="from Karim Ahmed", transaction_reference="TRX-1")
    erasure = stage.erase(customer)
    assert stage.rows("SELECT customer_id FROM erasure_needle") == [(customer,)]
    assert "Karim" not in str(stage.rows("SELECT * FROM erasure_needle"))
    found = searched(stage, database, settings, erasure)
    assert found["service"] == "payments"
    assert found["hits"] == []
    assert found["columns"] > 100
    assert found["needles"] >= 4 and found["names_searched"]
    assert stage.rows("SELECT FROM erasure_needle") == []
    assert stage.rows("SELECT FROM leftover_search") == []


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("Karim Ahmed", True),
        ("KARIM.AHMED,", True),
        ("tel. +8801711000000", True),
        ("01711000000", True),
        ("Karim", False),
        ("9901711000000", False),
    ],
)
def test_what_is_left_is_told_by_table_and_column_and_never_what_it_is(
    stage: Stage, database: Database, settings: PaymentsSettings, word: str, told: bool
) -> None:
    customer = stage.customer("Karim Ahmed")
    other = stage.customer("Rahim", phone=None)
    stage.paid(other, "5.00", note=f"for {word}")
    erasure = stage.erase(customer)
    take(stage, table(f'2026-11-20,5.00,BDT,Z,"{word}",'))
    stage.rows(
        "INSERT INTO webhook_delivery (id, gateway, headers, body) VALUES"
        " (gen_random_uuid(), 'bkash', CAST(:headers AS jsonb), :body) RETURNING 1",
        headers=f'{{"x": "{word}"}}', body=f"payer={word}".encode(),
    )  # fmt: skip
    found = searched(stage, database, settings, erasure)
    planted = [
        {"table": "statement_line", "column": "description", "rows": 1},
        {"table": "webhook_delivery", "column": "headers", "rows": 1},
        {"table": "webhook_delivery", "column": "body", "rows": 1},
    ]
    # What stands in a payment of somebody who stays is that customer's.
    assert found["hits"] == (planted if told else [])


def test_what_somebody_who_stays_goes_by_too_says_nothing_of_the_erased(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    """A family's telephone, a common name."""
    customer = stage.customer("Karim Ahmed")
    stage.customer("Karim Ahmed", username="karim.2")
    erasure = stage.erase(customer)
    take(stage, table('2026-11-20,5.00,BDT,Z,"Karim Ahmed, 01711000000",'))
    found = searched(stage, database, settings, erasure)
    assert found["hits"] == []
    assert found["shared_with_others"] >= 3


def test_asked_again_it_is_answered_again_and_a_crash_between_loses_no_needle(
    stage: Stage, database: Database, settings: PaymentsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = stage.customer("Karim Ahmed")
    erasure = stage.erase(customer)
    take(stage, table("2026-11-20,5.00,BDT,Z,Karim Ahmed,"))

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(leftovers, "publish", killed)
        searched(stage, database, settings, erasure)
    first = searched(stage, database, settings, erasure)
    assert [hit["table"] for hit in first["hits"]] == ["statement_line"]
    again = searched(stage, database, settings, erasure)
    assert (again["needles"], again["hits"]) == (0, [])


def test_every_table_is_searched_or_holds_nobodys_row(database: Database) -> None:
    assert {"payment", "statement_line", "webhook_delivery", "bill_item"} <= catalogue.searched(
        database, BOOKS
    )
