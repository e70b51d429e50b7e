"""`/v1/customers/{id}/statement` and `…/balance`: the ledger as a customer sees it (E27)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from payments.api.answering import as_one
from payments.persistence import accounts as stored
from payments.persistence.statements import lines
from payments.schemas import bodies
from payments.schemas.answers import BalanceSchema, LinePageSchema
from payments.schemas.requests import StatementArguments
from shared.http import Blueprint, database, page, permission, principal
from shared.http.operating.answering import as_json
from shared.http.problems import not_found

accounts = Blueprint("accounts", __name__, description="Balances and statements")


@accounts.get("/v1/customers/<uuid:customer_id>/balance")
@accounts.response(200, BalanceSchema)
@permission("payments.read")
def get_balance(customer_id: UUID) -> Any:
    """What was billed and paid, what is owed, what is left to spend."""
    with database().reading(principal().scope) as session:
        row = stored.balance(session, customer_id)
    return as_one(row, "customer", bodies.balance)


@accounts.get("/v1/customers/<uuid:customer_id>/statement")
@accounts.arguments(StatementArguments, location="query")
@accounts.response(200, LinePageSchema)
@permission("payments.read")
def get_statement(arguments: dict[str, Any], customer_id: UUID) -> Any:
    """Bills, payments, voids and refunds, newest first, with the balance after each."""
    query, found = lines(customer_id)
    with database().reading(principal().scope) as session:
        if stored.balance(session, customer_id) is None:
            raise not_found("customer")
        rows = page(
            session, query, arguments, key=found.c.position, default_sort="-at",
            sortable={"at": found.c.effective_at},
        )  # fmt: skip
    return as_json(rows.body(bodies.line), rows.headers())
