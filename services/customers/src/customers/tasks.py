"""Clock and queue in: what beat rings for. Every entry works by state, or once per slot."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import lapsing, signing_in
from customers.webhooks import delivering
from shared.ticks import tick
from shared.worker import Worker

# Expired packages and holds end within this time, with beat or without (a timer does the same).
LAPSE_SECONDS = 5


def clean(session: Session) -> dict[str, int]:
    """Old sign-in tries; what was sent to webhooks a month ago; old ticks."""
    ticks = session.execute(text("DELETE FROM tick WHERE at < now() - interval '30 days'"))
    return {
        "login_attempts": signing_in.forget_attempts(session),
        "webhook_deliveries": delivering.forget_old(session),
        "ticks": int(ticks.rowcount),  # type: ignore[attr-defined]
    }


def register(worker: Worker) -> None:
    """The tasks that beat rings for."""
    database = worker.database

    @worker.app.task(name="customers.lapse", ignore_result=True)
    def lapse() -> None:
        lapsing.sweep(database)

    @worker.app.task(name="customers.clean", ignore_result=True)
    def cleaned() -> None:
        tick(database, "customers.clean", 3600, clean)
