"""How an operator sees tables (C49-C55): columns and their order, sort, row style; saved views.

The number of rows is one for all tables (C55): it is kept under the table named `*`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, and_, column, func, or_, select, table, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from customers.domain import Missing, Refusal
from shared import operations
from shared.database import uuid7
from shared.operations import SYSTEM_PATH, Actor

GLOBAL = "*"
# C54.
PAGE_SIZE = 25
SHOWN: Mapping[str, Any] = {"columns": None, "sort": None, "row_style": "comfortable"}
VIEW_FIELDS = ("id", "table_name", "name", "operator_id", "operator_path", "shared", "version",
               "created_at")  # fmt: skip
view = table("saved_view", *(column(name) for name in VIEW_FIELDS), column("value", JSONB))


def read(session: Session, operator_id: UUID, table_name: str) -> tuple[dict[str, Any], int]:
    """What the operator set, or the defaults; and the version: 0 where nothing is set."""
    found = {
        row.table_name: row
        for row in session.execute(
            text(
                "SELECT table_name, value, version FROM preference"
                " WHERE operator_id = :operator AND table_name = ANY(:names)"
            ),
            {"operator": operator_id, "names": [table_name, GLOBAL]},
        )
    }
    own = found[table_name].value if table_name in found else {}
    everywhere = found[GLOBAL].value if GLOBAL in found else {}
    shown = {**SHOWN, "page_size": PAGE_SIZE, **own, **everywhere, "table": table_name}
    return shown, sum(row.version for row in found.values())


def lock(session: Session, operator_id: UUID) -> None:
    """One change of an operator's preferences at a time, so that a stale ETag is seen."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtext('preference'), hashtext(:who))"),
        {"who": str(operator_id)},
    )


def write(
    session: Session, actor: Actor, operator_id: UUID, table_name: str, wanted: Mapping[str, Any]
) -> None:
    """Replace what is set for the table; `page_size`, if given, for all tables."""
    before, _ = read(session, operator_id, table_name)
    _keep(session, operator_id, table_name, {name: wanted.get(name, SHOWN[name]) for name in SHOWN})
    if "page_size" in wanted:
        _keep(session, operator_id, GLOBAL, {"page_size": wanted["page_size"]})
    after, _ = read(session, operator_id, table_name)
    if after != before:
        operations.record(
            session, actor, "preferences.changed", "operator", operator_id,
            operator_path=actor.path or SYSTEM_PATH, before=before, after=after, personal=False,
        )  # fmt: skip


def _keep(session: Session, operator_id: UUID, name: str, value: dict[str, Any]) -> None:
    session.execute(
        text(
            "INSERT INTO preference (operator_id, table_name, value)"
            " VALUES (:operator, :name, CAST(:value AS jsonb))"
            " ON CONFLICT (operator_id, table_name) DO UPDATE SET value = excluded.value,"
            " version = preference.version + 1, updated_at = now()"
            " WHERE preference.value <> excluded.value"
        ),
        {"operator": operator_id, "name": name, "value": orjson.dumps(value).decode()},
    )


# ---------------------------------------------------------------- views
def seen_by(operator_id: UUID, path: str, table_name: str | None) -> Select[Any]:
    """The operator's own views, and those that somebody at or above the branch shares."""
    shared = and_(view.c.shared, func.starts_with(path, view.c.operator_path))
    query = select(view).where(or_(view.c.operator_id == operator_id, shared))
    return query if table_name is None else query.where(view.c.table_name == table_name)


def save(session: Session, actor: Actor, operator_id: UUID, fields: Mapping[str, Any]) -> Any:
    """Raises Refusal `taken`: a name stands once per operator and table."""
    value = {name: fields.get(name, SHOWN[name]) for name in SHOWN} | {"filter": fields["filter"]}
    made = {
        "id": UUID(str(uuid7())), "table": fields["table"], "name": fields["name"],
        "operator": operator_id, "path": actor.path or SYSTEM_PATH, "shared": fields["shared"],
        "value": orjson.dumps(value, default=str).decode(),
    }  # fmt: skip
    try:
        with session.begin_nested():
            session.execute(
                text(
                    "INSERT INTO saved_view (id, table_name, name, operator_id, operator_path,"
                    " shared, value) VALUES (:id, :table, :name, :operator, :path, :shared,"
                    " CAST(:value AS jsonb))"
                ),
                made,
            )
    except IntegrityError as error:
        raise _name_taken() from error
    _log(session, actor, "view.saved", made["id"])
    return session.execute(select(view).where(view.c.id == made["id"])).one()


def own(session: Session, operator_id: UUID, view_id: UUID) -> Any:
    """An own view, locked. Raises Missing, for another's too."""
    query = select(view).where(view.c.id == view_id, view.c.operator_id == operator_id)
    found = session.execute(query.with_for_update()).one_or_none()
    if found is None:
        raise Missing("view")
    return found


def change(session: Session, actor: Actor, found: Any, changes: Mapping[str, Any]) -> Any:
    """What is given replaces what was kept. Raises Refusal `taken`."""
    value = {name: changes.get(name, kept) for name, kept in found.value.items()}
    wanted = {
        "id": found.id, "name": changes.get("name", found.name),
        "shared": changes.get("shared", found.shared),
        "value": orjson.dumps(value, default=str).decode(),
    }  # fmt: skip
    try:
        with session.begin_nested():
            session.execute(
                text(
                    "UPDATE saved_view SET name = :name, shared = :shared,"
                    " value = CAST(:value AS jsonb), version = version + 1, updated_at = now()"
                    " WHERE id = :id"
                ),
                wanted,
            )
    except IntegrityError as error:
        raise _name_taken() from error
    _log(session, actor, "view.changed", found.id)
    return session.execute(select(view).where(view.c.id == found.id)).one()


def _name_taken() -> Refusal:
    return Refusal("taken", "You have a view of this name for this table.", [{
        "code": "taken", "pointer": "/name", "detail": "give another name",
    }])  # fmt: skip


def remove(session: Session, actor: Actor, operator_id: UUID, view_id: UUID) -> None:
    """Only who saved it. Raises Missing."""
    gone = session.execute(
        text("DELETE FROM saved_view WHERE id = :id AND operator_id = :operator"),
        {"id": view_id, "operator": operator_id},
    )
    if not gone.rowcount:  # type: ignore[attr-defined]
        raise Missing("view")
    _log(session, actor, "view.removed", view_id)


def _log(session: Session, actor: Actor, action: str, view_id: UUID) -> None:
    # Not what it filters: a filter may name a customer, and the log of a view is nobody's to erase.
    operations.record(
        session, actor, action, "view", view_id, operator_path=actor.path or SYSTEM_PATH,
        personal=False,
    )  # fmt: skip


def view_body(row: Any) -> dict[str, Any]:
    names = ("id", "name", "shared", "operator_id", "version", "created_at")
    return {**{name: getattr(row, name) for name in names}, "table": row.table_name, **row.value}
