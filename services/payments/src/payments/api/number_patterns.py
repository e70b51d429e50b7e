"""`/v1/number-patterns`: what the numbers of an operator's receipts and bills look like (E28, E33)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments import number_patterns as use_cases
from payments.api.answering import settings
from payments.persistence import number_patterns as stored
from payments.persistence.number_patterns import number_pattern
from payments.schemas import number_patterns as bodies
from payments.schemas.number_patterns import (
    PatternsArguments,
    PatternsPageSchema,
    PatternsRequestSchema,
    PatternsSchema,
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
from shared.http.operating.answering import as_json
from shared.http.problems import invalid, not_found
from shared.http.transactions import etag

number_patterns = Blueprint(
    "number_patterns", __name__, description="How receipts and bills are numbered"
)


@number_patterns.get("/v1/number-patterns")
@number_patterns.arguments(PatternsArguments, location="query")
@number_patterns.response(200, PatternsPageSchema)
@permission("payments.read")
def list_patterns(arguments: dict[str, Any]) -> Any:
    """The operators of the caller's branch who have patterns of their own."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.listed(scope), arguments, key=number_pattern.c.operator_id,
            sortable={"operator_path": number_pattern.c.operator_path},
            default_sort="operator_path",
        )  # fmt: skip
    return as_json(found.body(bodies.listed), found.headers())


@number_patterns.get("/v1/number-patterns/<uuid:operator_id>")
@number_patterns.response(200, PatternsSchema)
@permission("payments.read")
def get_patterns(operator_id: UUID) -> Any:
    """The operator's own (version 0: never any), and those that are in force."""
    scope = principal().scope
    with database().transaction(scope) as session:
        row = stored.of(session, scope, operator_id)
        if row is None:
            raise not_found("operator")
        return as_json(_body(session, row), {"ETag": etag(row.version)})


@number_patterns.put("/v1/number-patterns/<uuid:operator_id>")
@number_patterns.arguments(PatternsRequestSchema)
@number_patterns.response(200, PatternsSchema)
@permission("number_patterns.write")
def put_patterns(body: dict[str, Any], operator_id: UUID) -> Any:
    """From the next number on, for the operator and those below without their own; what is numbered stays.

    A pattern never used begins at 1; one used before goes on where it was. Without `{operator}` several
    operators share a series, which only an admin may let them.
    """
    with transaction() as tx:
        row = stored.for_writing(tx.session, principal().scope, operator_id)
        if row is None:
            raise not_found("operator")
        require_match(row.version)
        if principal().role != "admin":
            for kind in use_cases.shared(row, body):
                raise invalid(kind, "needs {operator}: only an admin lets operators share a series")
        use_cases.change(tx.session, row, body, tx.actor)
        row = stored.of(tx.session, principal().scope, operator_id)
        return tx.answer(None, _body(tx.session, row), version=int(row.version))


def _body(session: Session, row: Any) -> dict[str, Any]:
    return bodies.shown(row, use_cases.in_force(session, row.operator_id, settings()))
