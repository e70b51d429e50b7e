"""What is sold: packages, added and changed; never removed, since bills and restores refer to them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.domain import Package
from customers.persistence import operators
from shared import operations, outbox
from shared.database import uuid7
from shared.events import Wire
from shared.operations import SYSTEM_PATH, Actor
from shared.tokens import Principal

LOGGED = (
    "name", "price", "currency", "billing_cycle", "download_kbps", "upload_kbps", "validity_days",
    "attributes", "retired",
)  # fmt: skip


def add(session: Session, caller: Principal, actor: Actor, fields: dict[str, Any]) -> Package:
    """Without an operator it is sold by everybody, which only the root may decide: else the caller's."""
    operator_id = fields.pop("operator_id", None)
    if operator_id is None and caller.scope.path is not None:
        operator_id = caller.id
    path = ""
    if operator_id is not None:
        path = operators.operator(session, caller.scope, operator_id).operator_path
    package = Package(id=UUID(str(uuid7())), operator_id=operator_id, operator_path=path, **fields)
    session.add(package)
    session.flush()
    _tell(session, actor, "package.created", package, None)
    return package


def change(session: Session, actor: Actor, package: Package, changes: dict[str, Any]) -> Package:
    before = _logged(package)
    package.change(**changes)
    session.flush()
    _tell(session, actor, "package.changed", package, before)
    return package


# One statement for the batch; packages are locked in the order of their ids.
_CHARGES = text(
    "WITH locked AS MATERIALIZED (SELECT id FROM package WHERE id = ANY(CAST(:ids AS uuid[]))"
    " ORDER BY id FOR UPDATE)"
    " UPDATE package SET charge = n.total, charge_of = n.price, charge_version = n.version"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS bigint[]), CAST(:prices AS numeric[]),"
    " CAST(:totals AS numeric[])) AS n(id, version, price, total) JOIN locked USING (id)"
    " WHERE package.id = n.id AND package.charge_version < n.version"
)


def keep_charges(session: Session, events: Sequence[Wire]) -> None:
    """Keep the newest of each package."""
    newest = {e["subject"]: e for e in sorted(events, key=lambda e: int(e["sequence"]))}.values()
    session.execute(_CHARGES, {
        "ids": [UUID(event["subject"]) for event in newest],
        "versions": [int(event["sequence"]) for event in newest],
        "prices": [Decimal(event["data"]["price"]) for event in newest],
        "totals": [Decimal(event["data"]["total"]) for event in newest],
    })  # fmt: skip


def _logged(package: Package) -> dict[str, Any]:
    return {name: getattr(package, name) for name in LOGGED}


def _tell(
    session: Session, actor: Actor, action: str, package: Package, before: dict[str, Any] | None
) -> None:
    outbox.publish(session, package.told(), actor=actor.name, request_id=actor.request_id)
    operations.record(
        session, actor, action, "package", package.id,
        operator_path=package.operator_path or SYSTEM_PATH,
        before=before, after=_logged(package), personal=False,
    )  # fmt: skip
