"""The books of single customers, proved when customers says that one is deleted or restored (B17-B20)."""

from typing import Any

import pytest

from shared.events import CustomerDeleted, CustomerRestored
from tests.payments.stage import Stage


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
        assert all(proof["checks"].values()) and len(proof["checks"]) == 7


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
    with stage.database.connection() as connection:
        connection.exec_driver_sql("RESET ROLE")
        connection.exec_driver_sql("SET session_replication_role = replica")
        connection.exec_driver_sql(damage)
        connection.invalidate()
    stage.hear(stage.event(CustomerDeleted, customer, standing="deleted"))
    ((_, proof),) = proofs(stage)
    assert proof["checks"][check] is False


def test_who_has_no_money_yet_is_proved_too(stage: Stage) -> None:
    customer = stage.customer()
    stage.hear(stage.event(CustomerDeleted, customer, standing="deleted"))
    ((_, proof),) = proofs(stage)
    assert proof["billed"] == "0" and all(proof["checks"].values())
