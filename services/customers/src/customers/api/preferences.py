"""How an operator sees the tables: remembered columns, sort, row style, rows per page; saved views."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import Response

from customers import preferences as use
from customers.api.answers import answered
from customers.domain import Missing, NotAllowed, NotValid
from customers.schemas.preferences import (
    COLUMNS,
    NAME,
    NewViewSchema,
    PreferenceFoundSchema,
    PreferenceSchema,
    ViewArguments,
    ViewChangesSchema,
    ViewSchema,
)
from shared.http import (
    Blueprint,
    database,
    page,
    permission,
    principal,
    require_match,
    transaction,
)
from shared.http.operating.answering import page_of

preferences = Blueprint("preferences", __name__, description="How an operator sees the tables")
TABLE = "/v1/preferences/<string(maxlength=60):table_name>"


def _check(table_name: str) -> None:
    if not re.match(NAME, table_name):
        raise Missing("table")


def _check_columns(table_name: str, wanted: dict[str, Any]) -> None:
    known = COLUMNS.get(table_name)
    unknown = set(wanted.get("columns") or ()) - known if known else ()
    if known and unknown:
        detail = f"{', '.join(sorted(unknown))}: choose of {', '.join(sorted(known))}"
        raise NotValid("columns", detail, "unknown")


def _me() -> tuple[UUID, str]:
    caller = principal()
    if caller.id is None or caller.path is None:
        raise NotAllowed("Preferences are an operator's; a service has none.")
    return caller.id, caller.path


@preferences.get(TABLE)
@preferences.response(200, PreferenceFoundSchema)
@permission("preferences.write")
def get_preference(table_name: str) -> Response:
    """What the caller set for a table, or the defaults (C54: 25 rows)."""
    _check(table_name)
    with database().transaction() as session:
        found, version = use.read(session, _me()[0], table_name)
    return answered(found, version=version)


@preferences.put(TABLE)
@preferences.arguments(PreferenceSchema)
@preferences.response(200, PreferenceFoundSchema)
@permission("preferences.write")
def put_preference(wanted: dict[str, Any], table_name: str) -> Response:
    """Replace them; `page_size` counts for every table (C55)."""
    _check(table_name)
    me, _ = _me()
    with transaction() as tx:
        _check_columns(table_name, wanted)
        use.lock(tx.session, me)
        require_match(use.read(tx.session, me, table_name)[1])
        use.write(tx.session, tx.actor, me, table_name, wanted)
        found, version = use.read(tx.session, me, table_name)
        return tx.answer(None, found, version=version)


@preferences.get("/v1/views")
@preferences.arguments(ViewArguments, location="query")
@preferences.response(200, page_of(ViewSchema))
@permission("preferences.write")
def list_views(arguments: dict[str, Any]) -> Response:
    """The caller's own views, and those shared with the branch."""
    query = use.seen_by(*_me(), arguments.get("table"))
    with database().transaction() as session:
        found = page(
            session, query, arguments, key=use.view.c.id, default_sort="name",
            sortable={"name": use.view.c.name, "created_at": use.view.c.created_at},
        )  # fmt: skip
    return answered(found.body(use.view_body), headers=found.headers())


@preferences.post("/v1/views")
@preferences.arguments(NewViewSchema)
@preferences.response(201, ViewSchema)
@permission("preferences.write")
def save_view(fields: dict[str, Any]) -> Response:
    """Keep how a table is filtered and shown under a name."""
    with transaction() as tx:
        _check_columns(fields["table"], fields)
        made = use.save(tx.session, tx.actor, _me()[0], fields)
        return tx.answer(None, use.view_body(made), 201, version=made.version)


@preferences.patch("/v1/views/<uuid:view_id>")
@preferences.arguments(ViewChangesSchema)
@preferences.response(200, ViewSchema)
@permission("preferences.write")
def change_view(changes: dict[str, Any], view_id: UUID) -> Response:
    """Change an own view: its name, who sees it, what it filters and shows."""
    with transaction() as tx:
        found = use.own(tx.session, _me()[0], view_id)
        require_match(found.version)
        _check_columns(found.table_name, changes)
        changed = use.change(tx.session, tx.actor, found, changes)
        return tx.answer(None, use.view_body(changed), version=changed.version)


@preferences.delete("/v1/views/<uuid:view_id>")
@preferences.response(204)
@permission("preferences.write")
def remove_view(view_id: UUID) -> Response:
    """Remove an own view."""
    with transaction() as tx:
        use.remove(tx.session, tx.actor, _me()[0], view_id)
        return tx.answer(None, None, 204)
