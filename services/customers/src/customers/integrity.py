"""The check after a restore that seed B asks of people (B17-B20), made by machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.domain import Account

MONEY = ("balance", "available_funds", "currency")


def report(
    kept: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    log: Mapping[str, Any],
    *,
    alone: bool,
    lines: Iterable[Account],
) -> dict[str, Any]:
    """`kept` at deletion, `before` and `after` the restore, as `deletion.snapshot` makes them.

    `intact`: the restore changed no money, lost no hold and no account of before or of the deletion,
    runs no service and none that overlaps another (`lines`; `alone`: nobody else bears its login or
    address), and the customer's log is unbroken. `differs_from_deletion` names what moved while it lay
    deleted, such as a late refund.
    """
    checks = {
        "balance_unchanged": all(before[name] == after[name] for name in MONEY),
        "accounts_kept": before["accounts"] == after["accounts"]
        # Nothing removes a line of a deleted customer: one that is gone was lost.
        and {*kept.get("accounts", {})} <= {*after["accounts"]},
        "holds_kept": before["holds"] == after["holds"],
        **_services(alone, lines),
        "profile_kept": before["package_id"] == after["package_id"],
        "log_unbroken": bool(log["unbroken"]),
    }
    books = kept.get("books")
    if books is not None:
        # Until the books are proved anew.
        checks["books_at_deletion"] = all(books["checks"].values())
    differs = {
        name: {"at_deletion": kept[name], "now": after[name]}
        for name in (*MONEY, "accounts", "holds", "package_id", "operator_id")
        if name in kept and kept[name] != after[name]
    }
    return {
        "intact": all(checks.values()),
        "checks": checks,
        "balance": {"before": before["balance"], "after": after["balance"]},
        "accounts": {
            "at_deletion": len(kept.get("accounts", {})),
            "before": len(before["accounts"]),
            "after": len(after["accounts"]),
        },
        "log": dict(log),
        "books": {"state": "pending", "before": books, "after": None},
        "snapshot_matches": not differs,
        "differs_from_deletion": differs,
    }


def _services(alone: bool, lines: Iterable[Account]) -> dict[str, bool]:
    """B11, B19, decision 1.6.4: they come back, none runs, and no two are one and the same."""
    kept = [line for line in lines if line.state != "closed"]
    return {
        "services_stopped": all(line.state == "stopped" for line in kept),
        "services_apart": len({(line.name, line.service_type) for line in kept}) == len(kept),
        "services_alone": alone,
    }


LEDGER = ("currency", "billed", "paid", "receivable", "credit")


def with_books(
    found: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> dict[str, Any]:
    """The report with payments' proof `after` the restore, beside the one of the deletion, if it came.

    `ledger_unchanged`: the ledger adds up to the same, unless money moved meanwhile, which payments
    counts.
    """
    checks = {k: v for k, v in found["checks"].items() if not k.startswith("books_")}
    checks |= {f"books_{name}": fits for name, fits in after["checks"].items()}
    if before is not None:
        moved = before["account_version"] != after["account_version"]
        checks["books_ledger_unchanged"] = moved or all(
            before[name] == after[name] for name in LEDGER
        )
    return {
        **found,
        "checks": checks,
        "intact": all(checks.values()),
        "books": {"state": "proved", "before": before, "after": after},
    }


# Each by the index that its uniqueness has.
_BORNE = text(
    "SELECT w.id FROM unnest(CAST(:ids AS uuid[]), CAST(:usernames AS text[]),"
    " CAST(:addresses AS text[])) AS w(id, username, address)"
    " WHERE EXISTS (SELECT FROM customer c WHERE c.state = 'alive' AND c.username = w.username"
    "  AND c.id <> w.id)"
    " OR EXISTS (SELECT FROM customer c WHERE c.state = 'alive' AND c.static_address = w.address"
    "  AND c.closed_at IS NULL AND c.exported_at IS NULL AND c.id <> w.id)"
)


def crowded(session: Session, wished: Iterable[tuple[UUID, str, str | None]]) -> set[UUID]:
    """Of those who come back with this login and static address, whose service another one has."""
    rows = list(wished)
    named = ("ids", "usernames", "addresses")
    given = {name: [row[place] for row in rows] for place, name in enumerate(named)}
    return set(session.scalars(_BORNE, given))


# Rows of the subject only: walking the whole chain is GET /v1/operations/verify.
_LOGS = text(
    "SELECT o.subject, count(*) AS rows,"
    " bool_and(d.operation_id IS NULL"
    "  OR operation_digest(d.salt, d.before, d.after, d.reason) = o.detail_digest) AS detail,"
    " bool_and(s.operation_id IS NULL OR operation_hash(coalesce(p.hash, ''), o) = s.hash) AS chain,"
    " max(s.position) AS sealed_to"
    " FROM operation o LEFT JOIN operation_detail d ON d.operation_id = o.id"
    " LEFT JOIN operation_seal s ON s.operation_id = o.id"
    " LEFT JOIN operation_seal p ON p.position = s.position - 1"
    " WHERE o.subject = ANY(:ids) GROUP BY o.subject"
)


def logs(session: Session, ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Per customer: how many rows its log has, and whether each is what it was when written."""
    wanted = list(ids)
    found: dict[UUID, dict[str, Any]] = {
        row.subject: {
            "rows": row.rows,
            "unbroken": row.detail and row.chain,
            "sealed_to": row.sealed_to,
        }
        for row in session.execute(_LOGS, {"ids": wanted})
    }
    return {
        one: found.get(one, {"rows": 0, "unbroken": False, "sealed_to": None}) for one in wanted
    }
