"""Recharge cards: added and changed in sets, used by one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from payments.persistence.tables import card_batch, recharge_card
from shared.database import Scope

SERIES_DIGITS, NUMBER_DIGITS = 6, 7


def serial(series: int, number: int) -> str:
    return f"{series:0{SERIES_DIGITS}d}{number:0{NUMBER_DIGITS}d}"


def add_batch(session: Session, row: Mapping[str, Any]) -> None:
    session.execute(card_batch.insert(), [dict(row)])


def set_job(session: Session, batch_id: UUID, job_id: UUID) -> None:
    """The job that makes the batch; its total is the batch's size."""
    session.execute(
        text(
            "WITH set AS (UPDATE card_batch SET job_id = :job WHERE id = :id RETURNING size)"
            " UPDATE job SET total = size FROM set WHERE job.id = :job"
        ),
        {"id": batch_id, "job": job_id},
    )


def batch(session: Session, batch_id: UUID) -> Any:
    """None outside the caller's branch."""
    return session.execute(
        text("SELECT * FROM card_batch WHERE id = :id"), {"id": batch_id}
    ).one_or_none()


def card(session: Session, serial: str) -> Any:
    return session.execute(
        text("SELECT * FROM recharge_card WHERE serial = :serial FOR UPDATE"), {"serial": serial}
    ).one_or_none()


def drop_unmade(session: Session, batch_id: UUID) -> None:
    """What an attempt that was killed left behind; its PINs are in no file."""
    session.execute(text("SET LOCAL statement_timeout = '10min'"))
    session.execute(text("DELETE FROM recharge_card WHERE batch_id = :id"), {"id": batch_id})


# All digests of a block as one value: a list of them takes longer to write down than to insert.
_ADD = text(
    "INSERT INTO recharge_card (serial, batch_id, operator_path, pin_digest)"
    f" SELECT lpad(CAST(:series AS text), {SERIES_DIGITS}, '0')"
    f" || lpad(CAST(n AS text), {NUMBER_DIGITS}, '0'), :batch, :path,"
    " substr(CAST(:digests AS bytea), (n - :first) * :length + 1, :length)"
    " FROM generate_series(CAST(:first AS int), :last) AS n"
)


def add(session: Session, batch: Any, first: int, digests: Sequence[bytes]) -> None:
    """Cards from the number `first` on; digests are all as long. In one statement: COPY is closed to a
    role under row-level security."""
    session.execute(
        _ADD,
        {
            "series": batch.series, "batch": batch.id, "path": batch.operator_path, "first": first,
            "last": first + len(digests) - 1, "digests": b"".join(digests), "length": len(digests[0]),
        },
    )  # fmt: skip


def mark_made(session: Session, batch_id: UUID, sha256: str, hours: int) -> None:
    session.execute(
        text(
            "UPDATE card_batch SET made_at = now(), sha256 = :sha256, version = version + 1,"
            " file_until = now() + :hours * interval '1 hour' WHERE id = :id"
        ),
        {"id": batch_id, "sha256": sha256, "hours": hours},
    )


def mark_file_removed(session: Session, ids: Sequence[UUID]) -> None:
    session.execute(
        text(
            "UPDATE card_batch SET file_removed_at = now(), version = version + 1"
            " WHERE id = ANY(:ids) AND file_removed_at IS NULL"
        ),
        {"ids": list(ids)},
    )


def files_past(session: Session) -> list[UUID]:
    return list(
        session.scalars(
            text(
                "SELECT id FROM card_batch WHERE file_removed_at IS NULL AND file_until < now()"
                " FOR UPDATE"
            )
        )
    )


_CHANGE = text(
    "WITH chosen AS (SELECT serial FROM recharge_card WHERE serial BETWEEN :first AND :last"
    " AND serial > :after AND batch_id = :batch AND state = ANY(:taken)"
    " ORDER BY serial LIMIT :most FOR UPDATE),"
    " changed AS (UPDATE recharge_card c SET state = :given,"
    " issued_at = CASE WHEN :given = 'issued' THEN coalesce(c.issued_at, now()) ELSE c.issued_at END"
    " FROM chosen WHERE c.serial = chosen.serial RETURNING c.serial)"
    " SELECT serial FROM changed ORDER BY serial"
)


def change(
    session: Session, batch_id: UUID, taken: Sequence[str], given: str, first: str, last: str,
    after: str, most: int,
) -> list[str]:  # fmt: skip
    """Give the next cards of the range another state; their serials, in order."""
    return list(
        session.scalars(
            _CHANGE,
            {"batch": batch_id, "taken": list(taken), "given": given, "first": first,
             "last": last, "after": after, "most": most},
        )
    )  # fmt: skip


_EXPIRE = text(
    "WITH chosen AS (SELECT serial FROM recharge_card WHERE batch_id = :batch"
    " AND serial BETWEEN :first AND :last AND state IN ('unissued', 'issued')"
    " ORDER BY serial LIMIT :most FOR UPDATE)"
    " UPDATE recharge_card c SET state = 'expired' FROM chosen WHERE c.serial = chosen.serial"
    " RETURNING 1"
)


def expire(session: Session, most: int) -> int | None:
    """Expire cards of a batch past its day; how many, None when no batch is left."""
    found = session.execute(
        text(
            "SELECT id, series, size FROM card_batch WHERE expired_at IS NULL"
            " AND expires_at <= now() ORDER BY expires_at LIMIT 1 FOR UPDATE SKIP LOCKED"
        )
    ).one_or_none()
    if found is None:
        return None
    rows = session.execute(
        _EXPIRE,
        {"batch": found.id, "first": serial(found.series, 1),
         "last": serial(found.series, found.size), "most": most},
    ).all()  # fmt: skip
    if len(rows) < most:
        session.execute(
            text("UPDATE card_batch SET expired_at = now() WHERE id = :id"), {"id": found.id}
        )
    return len(rows)


def living_customer(session: Session, username: str) -> Any:
    """The customer of the caller's branch who has this login now."""
    return session.execute(
        text(
            "SELECT id FROM customer_fact WHERE username = :username AND erased_at IS NULL"
            " AND standing NOT IN ('deleted', 'erasing') ORDER BY id LIMIT 1"
        ),
        {"username": username},
    ).one_or_none()


def use(session: Session, digest: bytes, account: Any, payment_id: UUID) -> Any:
    """The card, which is used from now on; None when there is none to use."""
    return session.execute(
        text("SELECT * FROM use_card(:digest, :customer, :path, :currency, :payment)"),
        {"digest": digest, "customer": account.customer_id, "path": account.operator_path,
         "currency": account.currency, "payment": payment_id},
    ).one_or_none()  # fmt: skip


def commission_of(session: Session, payment_id: UUID) -> list[Any]:
    """What each operator has earned by a payment: (holder, amount), the amount negative."""
    return list(
        session.execute(
            text(
                "SELECT e.holder, sum(e.amount) AS amount FROM ledger_transaction t"
                " JOIN ledger_entry e ON e.transaction_id = t.id AND e.account = 'commission_due'"
                " WHERE t.payment_id = :payment AND t.kind IN ('commission', 'commission_reversal')"
                " GROUP BY 1 HAVING sum(e.amount) <> 0"
            ),
            {"payment": payment_id},
        )
    )


def listed(scope: Scope, filters: Mapping[str, Any], series: tuple[str, str] | None) -> Select[Any]:
    """Cards of the caller's branch; `series` are the first and the last serial of a batch."""
    query = (
        select(
            recharge_card, card_batch.c.value, card_batch.c.currency, card_batch.c.commission,
            card_batch.c.expires_at, card_batch.c.operator_id,
        )
        .join(card_batch, card_batch.c.id == recharge_card.c.batch_id)
        .where(scope.covers(recharge_card.c.operator_path))
    )  # fmt: skip
    if series is not None:
        first, last = series
        query = query.where(recharge_card.c.serial >= first, recharge_card.c.serial <= last)
    for name in ("serial", "state"):
        if filters.get(name) is not None:
            query = query.where(recharge_card.c[name] == filters[name])
    return query


def batches(scope: Scope) -> Select[Any]:
    return select(card_batch).where(scope.covers(card_batch.c.operator_path))


def counts(session: Session, batch: Any) -> dict[str, int]:
    """How many cards of a batch are in each state."""
    rows = session.execute(
        text(
            "SELECT state, count(*) FROM recharge_card WHERE serial BETWEEN :first AND :last"
            " GROUP BY 1"
        ),
        {"first": serial(batch.series, 1), "last": serial(batch.series, batch.size)},
    )
    return {row[0]: row[1] for row in rows}
