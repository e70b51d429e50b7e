"""`/v1/cash-drawers`, `/v1/cash-shifts`, `/v1/cash-hand-overs`: the cash that operators hold."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from payments import cash as use_cases
from payments.api.answering import rules
from payments.domain import Refused
from payments.persistence import drawers as stored
from payments.persistence.drawers import cash_drawer, cash_hand_over, cash_shift
from payments.schemas import cash as bodies
from payments.schemas.cash import (
    DrawerArguments,
    DrawerPageSchema,
    DrawerSchema,
    HandOverArguments,
    HandOverPageSchema,
    HandOverRequestSchema,
    HandOverSchema,
    LimitRequestSchema,
    RefusalSchema,
    ShiftArguments,
    ShiftCloseSchema,
    ShiftPageSchema,
    ShiftRequestSchema,
    ShiftSchema,
)
from shared.http import Blueprint, Transaction, database, page, permission, principal, transaction
from shared.http.operating.answering import as_json
from shared.http.problems import not_found

cash = Blueprint("cash", __name__, description="Operators' cash: shifts, hand-overs, limits")


@cash.get("/v1/cash-drawers")
@cash.arguments(DrawerArguments, location="query")
@cash.response(200, DrawerPageSchema)
@permission("cash.read")
def list_drawers(arguments: dict[str, Any]) -> Any:
    """What each operator of the caller's branch holds, as the ledger says."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.drawers(scope), arguments, key=cash_drawer.c.id,
            sortable={"balance": cash_drawer.c.balance}, default_sort="-balance",
        )  # fmt: skip
    return as_json(found.body(bodies.drawer), found.headers())


@cash.post("/v1/cash-drawers/<uuid:operator_id>/limit")
@cash.arguments(LimitRequestSchema)
@cash.response(200, DrawerSchema)
@permission("cash_limits.write")
def limit_drawer(body: dict[str, Any], operator_id: UUID) -> Any:
    """Above the limit the operator takes no cash payment; nobody but an admin limits the own drawer."""
    with transaction() as tx, rules("operator"):
        operator = stored.operator(tx.session, operator_id)
        if operator is None:
            raise LookupError(operator_id)
        if operator_id == tx.actor.id and principal().role != "admin":
            raise Refused("own_limit", "an operator above you sets your limit")
        limit = body["limit"].amount if body["limit"] is not None else None
        row = use_cases.set_limit(tx.session, operator, body["currency"], limit, tx.actor)
        return tx.answer(None, bodies.drawer(row, operator.name))


@cash.get("/v1/cash-shifts")
@cash.arguments(ShiftArguments, location="query")
@cash.response(200, ShiftPageSchema)
@permission("cash.read")
def list_shifts(arguments: dict[str, Any]) -> Any:
    """Shifts of the caller's branch, newest first."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.shifts(scope, arguments), arguments, key=cash_shift.c.id,
            sortable={"opened_at": cash_shift.c.opened_at}, default_sort="-opened_at",
        )  # fmt: skip
    return as_json(found.body(bodies.shift), found.headers())


@cash.post("/v1/cash-shifts")
@cash.arguments(ShiftRequestSchema)
@cash.response(201, ShiftSchema)
@permission("cash.write")
def open_shift(body: dict[str, Any]) -> Any:
    """Begin with what lies in the drawer. Idempotency-Key required."""
    with transaction(key_required=True) as tx, rules():
        made = use_cases.open_shift(tx.session, body["counted"], tx.actor)
        return _shift(tx, made, 201)


@cash.post("/v1/cash-shifts/<uuid:shift_id>/close")
@cash.arguments(ShiftCloseSchema)
@cash.response(200, ShiftSchema)
@permission("cash.write")
def close_shift(body: dict[str, Any], shift_id: UUID) -> Any:
    """End the own shift with what was counted. Idempotency-Key required."""
    with transaction(key_required=True) as tx, rules("shift"):
        use_cases.close_shift(tx.session, shift_id, body["counted"], body.get("note"), tx.actor)
        return _shift(tx, shift_id, 200)


def _shift(tx: Transaction, shift_id: UUID, status: int) -> Any:
    row = stored.locked_shift(tx.session, shift_id)
    return tx.answer(None, bodies.shift(row), status, version=int(row.version))


@cash.get("/v1/cash-hand-overs")
@cash.arguments(HandOverArguments, location="query")
@cash.response(200, HandOverPageSchema)
@permission("cash.read")
def list_hand_overs(arguments: dict[str, Any]) -> Any:
    """Hand-overs of the caller's branch, newest first."""
    scope = principal().scope
    with database().reading(scope) as session:
        found = page(
            session, stored.hand_overs(scope, arguments), arguments, key=cash_hand_over.c.id,
            sortable={"created_at": cash_hand_over.c.created_at}, default_sort="-created_at",
        )  # fmt: skip
    return as_json(found.body(bodies.hand_over), found.headers())


@cash.post("/v1/cash-hand-overs")
@cash.arguments(HandOverRequestSchema)
@cash.response(201, HandOverSchema)
@permission("cash.write")
def hand_over(body: dict[str, Any]) -> Any:
    """Give cash to an operator above, who accepts it. Idempotency-Key required."""
    taker = _above(body.get("taker_id"))
    with transaction(key_required=True) as tx, rules():
        made = use_cases.hand_over(tx.session, taker, body["amount"], body.get("note"), tx.actor)
        return _hand_over(tx, made, 201)


def _above(taker_id: UUID | None) -> Any:
    """The superior. Looked up as the service: a caller does not see the operators above."""
    own = principal().path or ""
    parent = own.rstrip("/").rpartition("/")[0] + "/"
    with database().transaction() as session:
        if taker_id is not None:
            found = stored.operator(session, taker_id)
        else:
            found = stored.operator_at(session, parent)
    above = found is not None and own.startswith(found.operator_path)
    if not above or found.operator_path == own:
        raise not_found("operator above you")
    return found


def _decide(
    hand_over_id: UUID, decision: Literal["accepted", "refused", "cancelled"], reason: str | None
) -> Any:
    with transaction(key_required=True) as tx, rules("hand-over"):
        use_cases.decide(tx.session, hand_over_id, decision, reason, tx.actor)
        return _hand_over(tx, hand_over_id, 200)


def _hand_over(tx: Transaction, hand_over_id: UUID, status: int) -> Any:
    row = stored.locked_hand_over(tx.session, hand_over_id)
    return tx.answer(None, bodies.hand_over(row), status, version=int(row.version))


@cash.post("/v1/cash-hand-overs/<uuid:hand_over_id>/accept")
@cash.response(200, HandOverSchema)
@permission("cash.write")
def accept_cash(hand_over_id: UUID) -> Any:
    """The second signature: the cash is the taker's from now on. Idempotency-Key required."""
    return _decide(hand_over_id, "accepted", None)


@cash.post("/v1/cash-hand-overs/<uuid:hand_over_id>/refuse")
@cash.arguments(RefusalSchema)
@cash.response(200, HandOverSchema)
@permission("cash.write")
def refuse_cash(body: dict[str, Any], hand_over_id: UUID) -> Any:
    """The taker did not get it. Idempotency-Key required."""
    return _decide(hand_over_id, "refused", body["reason"])


@cash.post("/v1/cash-hand-overs/<uuid:hand_over_id>/cancel")
@cash.arguments(RefusalSchema)
@cash.response(200, HandOverSchema)
@permission("cash.write")
def cancel_hand_over(body: dict[str, Any], hand_over_id: UUID) -> Any:
    """The giver keeps it. Idempotency-Key required."""
    return _decide(hand_over_id, "cancelled", body["reason"])
