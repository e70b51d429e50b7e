"""What the clock asks for, by the names of schedule.py: the worker registers each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

from payments import (
    billing,
    debiting,
    dunning,
    going_online,
    pipeline,
    proforma,
    proving,
    rollup,
    scheduling,
)
from payments.cards import changing
from payments.persistence import statement_imports
from payments.settings import PaymentsSettings
from shared import exporting
from shared.database import Database
from shared.ticks import tick, tick_outside


def mark_overdue(database: Database, settings: PaymentsSettings) -> None:
    """Every bill whose grace is over and every promise whose day is, a batch in each transaction."""
    while True:
        with database.transaction() as session:
            if billing.mark_overdue(session, settings) == 0:
                break
    for work in (dunning.break_promises, dunning.cut_off):
        while _some(database, work):
            pass


def remind(database: Database, _settings: PaymentsSettings) -> None:
    """Every reminder whose day has come, a batch in each transaction."""
    while _some(database, dunning.remind):
        pass


def debit(database: Database, settings: PaymentsSettings) -> None:
    """Begin what is due of customers with a stored method; the gateways' own clocks carry it out."""
    while _some(database, lambda session: debiting.begin(session, settings)):
        pass


def announce(database: Database, settings: PaymentsSettings) -> None:
    """Tell of the periods that begin soon, and let go of what was told of those that are over."""
    while _some(database, lambda session: proforma.announce(session, settings)):
        pass
    while _some(database, proforma.lapse):
        pass


def _some(database: Database, work: Callable[[Session], int]) -> int:
    with database.transaction() as session:
        return work(session)


def prove_ledger(database: Database) -> bool:
    """Compare every account, bill and payment with the ledger, once a day."""
    return tick_outside(database, "prove_ledger", 86_400, lambda: proving.prove(database))


def remove_exports(database: Database, settings: PaymentsSettings) -> bool:
    """Files past their time, once in ten minutes."""
    return tick(
        database,
        "remove_exports",
        600,
        lambda session: exporting.remove_expired(session, settings),
    )


def expire_cards(database: Database, settings: PaymentsSettings) -> None:
    """Cards past their day, and sealed files past their time, once in ten minutes."""
    changing.expire(database)
    tick(database, "sweep_cards", 600, lambda session: changing.remove_files(session, settings))


def remove_deliveries(database: Database, settings: PaymentsSettings) -> None:
    """Raw requests of gateways that are past their time, and rows of statements that nobody took."""
    pipeline.remove_old(database, settings)
    with database.transaction() as session:
        statement_imports.drop_left(session)


def schedule_exports(database: Database, settings: PaymentsSettings) -> None:
    """Ask for the files of days and weeks that are over, one in each transaction."""
    while _some(database, lambda session: scheduling.run(session, settings)):
        pass


def roll_up(database: Database, settings: PaymentsSettings) -> None:
    """Sum up the days that are over or have changed; one worker at a time, the others return."""
    with database.lock("payments.roll_up") as mine:
        while mine and _some(database, lambda session: rollup.roll(session, settings.time_zone)):
            pass


WORK: Mapping[str, Callable[[Database, PaymentsSettings], object]] = {
    "payments.mark_overdue": mark_overdue,
    "payments.remind": remind,
    "payments.announce": announce,
    "payments.debit": debit,
    "payments.prove_ledger": lambda database, _: prove_ledger(database),
    "payments.remove_exports": remove_exports,
    "payments.remove_deliveries": remove_deliveries,
    "payments.note_online": going_online.note,
    "payments.expire_cards": expire_cards,
    "payments.schedule_exports": schedule_exports,
    "payments.roll_up": roll_up,
}
