"""The gateway pipeline's part of an erasure.

Raw deliveries go whole: their bodies name payers, and no book needs them. Of the rest the money stays:
references become digests, so that a late word of the gateway is known for what it is and never credited,
and free text goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

Taken = list[tuple[str, UUID, str]]
Digest = Callable[[str], str]


@dataclass(frozen=True)
class Table:
    """`reference` gets a digest, `also` goes with it. `everything`: what is left of a row then."""

    name: str
    key: str
    reference: str
    also: str = ""
    condition: str = "true"
    everything: str | None = None


# A tombstone of the claim stays, without whose and how much: a late word of the gateway is then known,
# and neither credited nor kept. A refund under way keeps what it needs until it is done.
TABLES = (
    Table(
        name="payment_intent", key="id::text", reference="reference",
        also="gateway_session = NULL, redirect_url = NULL, return_url = NULL, request_key = NULL,"
        " failure = NULL, next_check_at = NULL",
    ),
    Table(
        name="gateway_transaction", key="gateway || '/' || transaction", reference="transaction",
        everything="customer_id = NULL, intent_id = NULL, payment_id = NULL, operator_path = '',"
        " amount = 0, next_look_at = NULL",
    ),
    Table(name="payment_review", key="id::text", reference="transaction",
          also="decision_reason = NULL"),
    Table(
        name="gateway_refund", key="id::text", reference="transaction",
        also="reason = NULL, error = NULL", condition="state <> 'refund_pending'",
    ),
)  # fmt: skip
_UNDER_WAY = text(
    "UPDATE gateway_refund SET reason = NULL, customer_id = NULL, operator_path = ''"
    " WHERE customer_id = ANY(:ids) AND state = 'refund_pending' RETURNING 1"
)


def remove_deliveries(session: Session, ids: Sequence[UUID]) -> Taken:
    rows = session.execute(
        text(
            "DELETE FROM webhook_delivery WHERE customer_id = ANY(:ids)"
            " RETURNING customer_id, id::text"
        ),
        {"ids": list(ids)},
    )
    return [("webhook_delivery", customer, key) for customer, key in rows]


def pseudonymise(session: Session, ids: Sequence[UUID], digest: Digest) -> Taken:
    """Put digests in place of references, and take free text away."""
    return [one for table in TABLES for one in _digested(session, table, ids, digest)]


def _digested(session: Session, table: Table, ids: Sequence[UUID], digest: Digest) -> Taken:
    mine = f"customer_id = ANY(:ids) AND {table.condition}"
    rows = session.execute(
        text(
            f"SELECT {table.key} AS key, customer_id, {table.reference} AS reference"
            f" FROM {table.name} WHERE {mine}"
        ),
        {"ids": list(ids)},
    ).all()
    also = f", {table.also}" if table.also else ""
    session.execute(
        text(
            f"UPDATE {table.name} t SET {table.reference} = r.digest{also}"
            " FROM unnest(CAST(:references AS text[]), CAST(:digests AS text[]))"
            f" AS r(reference, digest) WHERE {mine} AND t.{table.reference} = r.reference"
        ),
        {
            "ids": list(ids),
            "references": [row.reference for row in rows],
            "digests": [digest(row.reference) for row in rows],
        },
    )
    return [(table.name, row.customer_id, row.key) for row in rows]


def remove(session: Session, ids: Sequence[UUID]) -> None:
    """For an erasure of everything, after `pseudonymise`, whose receipt names the rows."""
    given = {"ids": list(ids)}
    session.execute(_UNDER_WAY, given)
    for table in TABLES:
        if table.everything is None:
            statement = f"DELETE FROM {table.name} WHERE customer_id = ANY(:ids)"
        else:
            statement = f"UPDATE {table.name} SET {table.everything} WHERE customer_id = ANY(:ids)"
        session.execute(text(statement), given)
