"""What becomes of cards that nobody has used: issued, blocked, void, expired. By batch or by serial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments.cards.making import file_of
from payments.domain import Refused
from payments.persistence import card_guard, cards
from payments.settings import PaymentsSettings
from shared import jobs, operations
from shared.database import Database
from shared.jobs import Kind, Row
from shared.operations import Actor

KIND = "recharge_cards.change"
# action → (the states it takes, the state it gives)
ACTIONS = {
    "issue": (("unissued",), "issued"),
    "block": (("unissued", "issued"), "blocked"),
    "unblock": (("blocked",), "issued"),
    "void": (("unissued", "issued", "blocked"), "void"),
}
# A transaction of so many takes well below a second.
CHUNK = 5000


class NotMade(Exception):
    """The batch's PINs are not written yet."""


def order(
    session: Session, batch_id: UUID, action: str, first: str | None, last: str | None,
    reason: str | None, actor: Actor,
) -> Any:  # fmt: skip
    """Queue the change of a batch, or of the serials `first` to `last` in it; the job.

    Raises LookupError outside the caller's branch, NotMade.
    """
    batch = cards.batch(session, batch_id)
    if batch is None:
        raise LookupError(batch_id)
    if batch.made_at is None:
        raise NotMade(batch_id)
    job = jobs.enqueue(
        session, KIND, actor, operator_path=batch.operator_path,
        params={
            "batch_id": str(batch_id), "action": action,
            "first": first or cards.serial(batch.series, 1),
            "last": last or cards.serial(batch.series, batch.size),
        },
    )  # fmt: skip
    operations.record(
        session, actor, f"recharge_cards.{action}", "card_batch", batch_id, personal=False,
        operator_path=batch.operator_path, reason=reason,
        after={"job_id": str(job.id), "first": first, "last": last},
    )  # fmt: skip
    return job


def changing(settings: PaymentsSettings) -> Kind:
    def whole(database: Database, job: Row, progress: Callable[[int], None]) -> dict[str, Any]:
        params, done = job.params, 0
        taken, given = ACTIONS[params["action"]]
        batch_id = UUID(params["batch_id"])
        after = ""
        while True:
            with database.transaction() as session:
                changed = cards.change(
                    session, batch_id, taken, given, params["first"], params["last"], after, CHUNK
                )
            if not changed:
                break
            done, after = done + len(changed), changed[-1]
            progress(done)
        if params["action"] == "issue":
            _hand_over(database, settings, batch_id)
        return {"batch_id": params["batch_id"], "action": params["action"], "cards": done}

    return Kind(name=KIND, permission="recharge_cards.write", whole=whole)


def change_one(session: Session, serial: str, action: str, reason: str, actor: Actor) -> bool:
    """Change one card; False when its state does not allow it. Raises LookupError outside the branch."""
    card = cards.card(session, serial)
    if card is None:
        raise LookupError(serial)
    taken, given = ACTIONS[action]
    if not cards.change(session, card.batch_id, taken, given, serial, serial, "", 1):
        return False
    operations.record(
        session, actor, f"recharge_cards.{action}", "card_batch", card.batch_id, personal=False,
        operator_path=card.operator_path, reason=reason,
        before={"serial": serial, "state": card.state}, after={"serial": serial, "state": given},
    )  # fmt: skip
    return True


def confirm_fetched(
    session: Session, batch_id: UUID, sha256: str, settings: PaymentsSettings, actor: Actor
) -> None:
    """Somebody has the whole file: it goes, in the transaction that says so. Once more is no harm.

    Removed before the commit: a rollback then leaves a row whose file is gone, which who confirmed it
    has, and never a file that nobody knows of. Raises LookupError, NotMade, Refused.
    """
    batch = cards.batch(session, batch_id)
    if batch is None:
        raise LookupError(batch_id)
    if batch.made_at is None:
        raise NotMade(batch_id)
    if sha256 != batch.sha256:
        raise Refused("other_file", "this is not the digest of the batch's file: fetch it again")
    if batch.file_removed_at is not None:
        return
    cards.mark_file_removed(session, [batch_id])
    operations.record(
        session, actor, "recharge_cards.confirmed", "card_batch", batch_id, personal=False,
        operator_path=batch.operator_path, after={"sha256": sha256},
    )  # fmt: skip
    file_of(settings, batch_id).unlink(missing_ok=True)


def _hand_over(database: Database, settings: PaymentsSettings, batch_id: UUID) -> None:
    """Who issues cards has their PINs in hand: the file goes."""
    with database.transaction() as session:
        cards.mark_file_removed(session, [batch_id])
    file_of(settings, batch_id).unlink(missing_ok=True)


def expire(database: Database) -> int:
    """Cards past their day expire, a chunk in each transaction; how many."""
    done = 0
    while True:
        with database.transaction() as session:
            count = cards.expire(session, CHUNK)
        if count is None:
            return done
        done += count


def remove_files(session: Session, settings: PaymentsSettings) -> dict[str, Any]:
    """Sealed files past their time go, and the guard's rows that say nothing any more."""
    gone = cards.files_past(session)
    for batch_id in gone:
        file_of(settings, batch_id).unlink(missing_ok=True)
    cards.mark_file_removed(session, gone)
    return {"files": len(gone), "guards": card_guard.sweep(session)}
