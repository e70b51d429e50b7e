"""What the clock and the queue ask for, one line each: the worker registers it."""

from __future__ import annotations

from payments import billing, proving
from payments.settings import PaymentsSettings
from shared import exporting
from shared.database import Database
from shared.ticks import tick


def mark_overdue(database: Database, settings: PaymentsSettings) -> None:
    """Every bill whose grace is over, a batch in each transaction."""
    while True:
        with database.transaction() as session:
            if billing.mark_overdue(session, settings) == 0:
                return


def prove_ledger(database: Database) -> bool:
    """Compare every account, bill and payment with the ledger, once a day."""
    return tick(database, "prove_ledger", 86_400, proving.prove)


def remove_exports(database: Database, settings: PaymentsSettings) -> bool:
    """Files past their time, once in ten minutes."""
    return tick(
        database,
        "remove_exports",
        600,
        lambda session: exporting.remove_expired(session, settings),
    )
