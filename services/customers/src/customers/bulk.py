"""Many customers at once, as jobs: a frozen list, chunks of 500, a verdict per row, an inverse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from customers import activation, classes, deletion, holds, restoring
from customers.deletion import Order
from customers.domain import Customer, Missing, NotValid, Refusal
from customers.persistence import customers, operators, tables
from shared import jobs, operations
from shared.database import Scope
from shared.jobs import Jobs, Kind, Verdict, actor_of, undone_by
from shared.operations import Actor

DELETE, RESTORE = "customers.delete", "customers.restore"
HOLD, LIFT, ACTIVATE = "customers.hold", "customers.lift", "customers.activate"
# Of what was asked; a search, a note and resolutions may name people, and this row outlives them.
TOLD = ("dry_run", "cascade", "kind", "until", "package_id", "renew")
Verdicts = Mapping[UUID, Verdict]
FOREIGN: Verdict = ("failed", {"code": "not_found", "detail": "no such customer in your branch"})


def enqueue(
    session: Session, kind: str, actor: Actor, path: str, params: dict[str, Any], *,
    ids: Sequence[UUID] | None = None, conditions: Sequence[ColumnElement[bool]] = (),
) -> Any:  # fmt: skip
    """Freeze the list: `ids` as given (each once), or every customer that the conditions choose now."""
    if ids is not None:
        job = jobs.enqueue(
            session, kind, actor, operator_path=path, params=params,
            subjects=list(dict.fromkeys(ids)),
        )  # fmt: skip
    else:
        chosen = select(tables.customer.c.id).where(*conditions).order_by(tables.customer.c.id)
        job = jobs.enqueue(session, kind, actor, operator_path=path, params=params, select=chosen)
    operations.record(
        session, actor, f"{kind}.requested", "job", job.id, operator_path=path,
        after={"rows": job.total} | {name: params[name] for name in TOLD if name in params},
        reason=params.get("reason"), personal=False,
    )  # fmt: skip
    return job


def _chunk(
    session: Session, job: Any, subjects: Sequence[UUID], state: str,
    act: Callable[[list[Customer]], Verdicts],
) -> Verdicts:  # fmt: skip
    """Lock the branch's customers of `state`; the others get their verdict here."""
    # `1/` covers every path: the root's scope needs no case of its own.
    chosen = customers.lock(session, Scope(job.operator_path), subjects)
    going = [customer for customer in chosen.values() if customer.state == state]
    verdicts: dict[UUID, Verdict] = dict.fromkeys(subjects, FOREIGN)
    verdicts |= {
        one.id: ("skipped", {"code": one.state, "detail": f"is {one.state}"})
        for one in chosen.values()
        if one.state != state
    }
    return {**verdicts, **act(going)}


def delete(session: Session, job: Any, subjects: Sequence[UUID]) -> Verdicts:
    """Also undoes a restore: what was changed since then is left and reported."""
    wish, since = job.params, _versions_done(session, job, subjects)
    order = Order(
        reason=wish.get("reason", "operator_error"),
        note=wish.get("note"),
        cascade=wish.get("cascade", False),
        dry_run=wish.get("dry_run", False),
    )

    def act(going: list[Customer]) -> Verdicts:
        going, changed = _unchanged(going, since)
        blocked = deletion.delete_many(session, actor_of(job), going, order)
        return changed | {
            one.id: ("failed", {"code": "blocked", "errors": blocked[one.id]})
            if one.id in blocked
            else ("done", _done(order.dry_run, version=one.version))
            for one in going
        }

    return _chunk(session, job, subjects, "alive", act)


def _done(dry_run: bool, **more: Any) -> dict[str, Any]:
    return {"dry_run": True} if dry_run else more


def restore(session: Session, job: Any, subjects: Sequence[UUID]) -> Verdicts:
    """Also undoes a deletion: what was edited or deleted anew since then is left and reported."""
    wish, scope = job.params, Scope(job.operator_path)
    since = _versions_done(session, job, subjects)

    def act(going: list[Customer]) -> Verdicts:
        going, verdicts = _unchanged(going, since)
        planned = []
        plans = restoring.plan_many(session, scope, going, wish.get("resolutions", {}))
        for one, made in zip(going, plans, strict=True):
            if made.errors:
                verdicts[one.id] = ("failed", {"code": "taken", "errors": made.errors})
            else:
                planned.append((one, made))
        if not wish.get("dry_run"):
            verdicts |= _bring_back(session, job, planned)
        else:
            verdicts |= {one.id: ("done", {"dry_run": True}) for one, _ in planned}
        return verdicts

    return _chunk(session, job, subjects, "deleted", act)


def _bring_back(
    session: Session, job: Any, planned: list[tuple[Customer, restoring.Plan]]
) -> dict[UUID, Verdict]:
    restoring.bring_back(session, actor_of(job), planned)
    return {
        one.id: ("done", {"version": one.version, "intact": (one.restore_report or {})["intact"]})
        for one, _ in planned
    }


def _versions_done(session: Session, job: Any, subjects: Sequence[UUID]) -> dict[UUID, int] | None:
    """The versions that the undone job left; None when this job undoes nothing."""
    if undone_by(job) is None:
        return None
    return {one: int(told) for one, told in _told(session, job, subjects, "version").items()}


def _told(session: Session, job: Any, subjects: Sequence[UUID], name: str) -> Mapping[UUID, str]:
    """What the verdicts of the undone job say under this name."""
    rows = session.execute(
        text(
            "SELECT subject, verdict ->> :name AS told FROM job_row WHERE job_id = :undone"
            " AND subject = ANY(:subjects) AND state = 'done' AND verdict ->> :name IS NOT NULL"
        ),
        {"undone": undone_by(job), "subjects": list(subjects), "name": name},
    )
    return {row.subject: row.told for row in rows}


def _unchanged(
    going: list[Customer], since: dict[UUID, int] | None
) -> tuple[list[Customer], dict[UUID, Verdict]]:
    """Those that are as the undone job left them; the verdicts of the others."""
    if since is None:
        return going, {}
    same = [one for one in going if since.get(one.id) == one.version]
    changed: Verdict = ("skipped", {"code": "changed", "detail": "changed since"})
    return same, {one.id: changed for one in going if one not in same}


def hold(session: Session, job: Any, subjects: Sequence[UUID]) -> Verdicts:
    wish, actor = job.params, actor_of(job)
    until = datetime.fromisoformat(wish["until"]) if wish.get("until") else None

    def act(going: list[Customer]) -> Verdicts:
        held = holds.held_by(session, actor.path, wish["kind"], [one.id for one in going])
        verdicts: dict[UUID, Verdict] = {
            one.id: ("failed", {"code": one.standing, "detail": f"is {one.standing}"})
            for one in going
            if one.standing in ("closed", "exported")
        } | {
            one.id: ("skipped", {"code": "held", "detail": "is held so already"})
            for one in going
            if one.id in held
        }
        free = [one for one in going if one.id not in verdicts]
        if wish.get("dry_run"):
            return verdicts | {one.id: ("done", {"dry_run": True}) for one in free}
        holds.place(session, actor, free, wish["kind"], reason=wish.get("reason"), until=until)
        placed = holds.held_by(session, actor.path, wish["kind"], [one.id for one in free])
        return verdicts | {one.id: ("done", {"hold_id": placed[one.id]}) for one in free}

    return _chunk(session, job, subjects, "alive", act)


def lift(session: Session, job: Any, subjects: Sequence[UUID]) -> Verdicts:
    """Undoes a bulk hold: what that job placed, and no hold of anybody else (C5)."""
    placed = [UUID(told) for told in _told(session, job, subjects, "hold_id").values()]

    def act(going: list[Customer]) -> Verdicts:
        lifted = holds.lift_rows(session, actor_of(job), going, placed, "undone")
        return {one.id: ("done", {}) for one in lifted} | {
            one.id: ("skipped", {"code": "changed", "detail": "was lifted meanwhile"})
            for one in going
            if one not in lifted
        }

    return _chunk(session, job, subjects, "alive", act)


def activate(session: Session, job: Any, subjects: Sequence[UUID]) -> Verdicts:
    wish = job.params
    package = None
    if wish.get("package_id"):
        package = operators.package(session, Scope(job.operator_path), UUID(wish["package_id"]))
    dry = bool(wish.get("dry_run"))

    def act(going: list[Customer]) -> Verdicts:
        held = customers.inherited_holds(session)
        faults = activation.activate_many(
            session, actor_of(job), going, package, wish.get("renew", True), held, dry,
            reason=wish.get("reason"),
        )  # fmt: skip
        return {
            one.id: ("failed", _fault(faults[one.id]))
            if one.id in faults
            else ("done", _done(dry, expires_at=one.expires_at))
            for one in going
        }

    return _chunk(session, job, subjects, "alive", act)


def _fault(fault: Exception) -> dict[str, Any]:
    code = fault.code if isinstance(fault, Refusal | NotValid) else type(fault).__name__.lower()
    return {"code": code, "detail": fault.detail if isinstance(fault, Refusal | NotValid) else ""}


JOBS = Jobs(
    Kind(name=DELETE, permission="customers.delete", chunk=delete, inverse=RESTORE),
    Kind(name=RESTORE, permission="customers.restore", chunk=restore, inverse=DELETE),
    Kind(name=HOLD, permission="holds.write", chunk=hold, inverse=LIFT),
    Kind(name=LIFT, permission="holds.write", chunk=lift),
    Kind(name=ACTIVATE, permission="customers.activate", chunk=activate),
    Kind(name=classes.RETELL, permission="customer_classes.write", chunk=classes.retell),
)


def check_package(session: Session, scope: Scope, wish: dict[str, Any]) -> None:
    """Refused at the door, before anything is queued. Raises NotValid."""
    if wish.get("package_id"):
        try:
            operators.package(session, scope, wish["package_id"])
        except Missing as error:
            raise NotValid("package_id", "there is no such package", "unknown") from error
