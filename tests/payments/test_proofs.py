"""The books of single customers, proved when customers says that one is deleted or restored (B17-B20)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payments import tasks
from payments.settings import PaymentsSettings
from shared.database import Database
from shared.events import CustomerDeleted, CustomerRestored
from tests.payments.stage import Stage


def served(stage: Stage, customer: Any, database: Database, settings: PaymentsSettings) -> Any:
    """A period that ends in three days, the next one announced and billed already; its package and that
    end."""
    package = stage.package("500.00")
    until = datetime.now(UTC) + timedelta(days=3)
    stage.activate(customer, package, until, at=until - timedelta(days=30))
    tasks.announce(database, settings)
    (proforma,) = stage.get("/v1/proforma-bills", state="open").json["items"]  # type: ignore[index]
    issued = stage.post(f"/v1/proforma-bills/{proforma['id']}/issue", {})
    assert issued.status_code == 201, issued.json
    return package, until


def broken(stage: Stage, customer: Any, damage: str) -> list[str]:
    """Which checks fail at a deletion after this was done to the books behind everybody's back."""
    with stage.database.connection() as connection:
        connection.exec_driver_sql("RESET ROLE")
        connection.exec_driver_sql("SET session_replication_role = replica")
        connection.exec_driver_sql(damage)
        connection.invalidate()
    stage.hear(stage.event(CustomerDeleted, customer, standing="deleted"))
    ((_, proof),) = proofs(stage)
    return [name for name, fits in proof["checks"].items() if not fits]


def proofs(stage: Stage) -> list[Any]:
    rows = stage.rows("SELECT sequence, data FROM outbox WHERE type = 'account.proved' ORDER BY 1")
    return [(row[0], row[1]) for row in rows]


def test_a_deletion_and_a_restore_are_each_answered_with_the_books_once(stage: Stage) -> None:
    """Heard twice, pushed and pulled, told once; the sums are the ledger's."""
    customer = stage.customer()
    stage.bill(customer, "900.00")
    stage.pay(customer, "1000.00")
    gone = stage.event(CustomerDeleted, customer, standing="deleted")
    stage.hear(gone)
    stage.hear(gone)
    stage.hear(stage.event(CustomerRestored, customer, standing="customer"))
    before, after = proofs(stage)
    assert before[0] == gone.sequence and before[1]["occasion"] == "deleted"
    assert after[1]["occasion"] == "restored"
    for _, proof in (before, after):
        sums = {name: proof[name] for name in ("billed", "paid", "receivable", "credit")}
        assert sums == {"billed": "900", "paid": "1000", "receivable": "0", "credit": "100"}
        assert all(proof["checks"].values()) and len(proof["checks"]) == 9


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("UPDATE bill_item SET amount = amount - 1", "items_make_totals"),
        ("UPDATE allocation SET amount = amount - 1", "allocations_within_payments"),
        ("DELETE FROM allocation", "bills_paid_by_allocations"),
        ("UPDATE account SET available_funds = 7", "account_is_ledger"),
        ("UPDATE bill SET status = 'void', paid = 0", "open_bills_are_receivable"),
    ],
)
def test_a_damaged_book_is_named(stage: Stage, damage: str, check: str) -> None:
    """What no writer of ours does, a restored backup or a hand in the database may have done."""
    customer = stage.customer()
    stage.bill(customer, "900.00")
    stage.pay(customer, "400.00")
    assert check in broken(stage, customer, damage)


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("UPDATE proforma SET bill_id = gen_random_uuid()", "proformas_have_their_bills"),
        (
            "UPDATE bill SET period_start = period_start - interval '2 days'"
            " WHERE period_start > now()",
            "periods_do_not_overlap",
        ),
    ],
)
def test_an_announced_period_without_its_bill_and_one_billed_twice_are_named_b20(
    stage: Stage, database: Database, settings: PaymentsSettings, damage: str, check: str
) -> None:
    customer = stage.customer()
    served(stage, customer, database, settings)
    assert broken(stage, customer, damage) == [check]


def test_periods_follow_one_another_however_they_came_about_b20(
    stage: Stage, database: Database, settings: PaymentsSettings
) -> None:
    """Announced and billed early, prolonged, cut short by a deletion, and billed by hand."""
    customer = stage.customer()
    package, until = served(stage, customer, database, settings)
    stage.activate(customer, package, until + timedelta(days=30))
    stage.activate(customer, package, until + timedelta(days=60))
    stage.bill(customer, period={"start": "2026-01-01T00:00:00Z", "end": "2200-01-01T00:00:00Z"})
    stage.hear(stage.event(CustomerDeleted, customer, standing="deleted"))
    stage.hear(stage.event(CustomerRestored, customer, standing="customer", activated=False))
    stage.activate(customer, package)
    stage.activate(customer, package, datetime.now(UTC) + timedelta(days=60))

    stage.hear(stage.event(CustomerDeleted, customer, standing="deleted"))

    assert [all(proof["checks"].values()) for _, proof in proofs(stage)] == [True, True, True]
    assert len(stage.rows("SELECT 1 FROM bill WHERE status <> 'void'")) >= 4


def test_who_has_no_money_yet_is_proved_too(stage: Stage) -> None:
    customer = stage.customer()
    stage.hear(stage.event(CustomerDeleted, customer, standing="deleted"))
    ((_, proof),) = proofs(stage)
    assert proof["billed"] == "0" and all(proof["checks"].values())
