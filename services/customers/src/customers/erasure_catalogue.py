"""Every table of this database: where it names a customer, and what an erasure does there (A35-A37).

`pseudonymise` keeps what says nothing of a person (how many customers there were, of which package,
since when); `everything` keeps the bare id alone. In both the row of the customer stays as a
tombstone: the id, the branch and the last version there is, so that no late event, no import and no
restored backup brings anybody back, and the answer is a 410.

A table that is in neither list fails a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["pseudonymise", "everything"]
# Newer than every event: what comes late is not news any more.
LAST_VERSION = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Place:
    """A table with rows of customers.

    `reference` is the column that says whose row it is. The statements take `:ids` and return
    `subject` and `key`, the row's primary key, for the receipt; None: the row stays as it is,
    because of `reason`.
    """

    table: str
    reference: str
    pseudonymise: str | None
    everything: str | None
    reason: str

    def statement(self, mode: Mode) -> str | None:
        return self.pseudonymise if mode == "pseudonymise" else self.everything


def _removed(table: str, reference: str, key: str, reason: str, condition: str = "true") -> Place:
    statement = (
        f"DELETE FROM {table} WHERE {reference} = ANY(:ids) AND {condition}"
        f" RETURNING {reference} AS subject, {key} AS key"
    )
    return Place(
        table=table, reference=reference, pseudonymise=statement, everything=statement,
        reason=reason,
    )  # fmt: skip


def _kept(table: str, reference: str, reason: str) -> Place:
    return Place(
        table=table, reference=reference, pseudonymise=None, everything=None, reason=reason
    )


_PERSON = (
    "UPDATE customer SET customer_number = '', name = '', username = '', password_sealed = NULL,"
    " email = NULL, phone = NULL, address = NULL, static_address = NULL, custom_fields = '{}',"
    " credit_limit = NULL, spending_limit = NULL, balance = 0, available_funds = 0,"
    " expenses = 0, expenses_until = NULL,"
    " paid_periods = '{}',"
    " overdue = false, auto_payment = false, legal_hold = NULL, holds = '{}', status = 'erased',"
    " status_reason = NULL, lift_suspension_until = NULL, deletion_note = NULL,"
    " deletion_snapshot = NULL, restore_report = NULL, erase_after = NULL,"
    " sessions_erase_after = NULL, sessions_erased_before = NULL,"
    f" account_version = {LAST_VERSION}, updated_at = now()"
)
_STATISTICS = (
    ", package_id = NULL, deleted_package_name = NULL, deleted_operator_name = NULL,"
    " deletion_reason = NULL, deleted_by = NULL, deleted_by_id = NULL, restored_at = NULL,"
    " closed_at = NULL, exported_at = NULL, activated_at = NULL, expires_at = NULL,"
    " waits_from = NULL, created_at = now(), status_since = now(), deleted_at = now(), kind = 'customer',"
    " service_type = 'other', balance_control = 'prepaid'"
)
_OF_CUSTOMER = (
    " WHERE id = ANY(:ids) AND state = 'erasing' RETURNING id AS subject, id::text AS key"
)

PLACES: tuple[Place, ...] = (
    Place(
        table="customer",
        reference="id",
        pseudonymise=_PERSON + _OF_CUSTOMER,
        everything=_PERSON + _STATISTICS + _OF_CUSTOMER,
        reason="the person goes, the id stays as a tombstone",
    ),
    _removed("account", "customer_id", "id::text", "the names of lines are the customer's"),
    _removed("hold", "customer_id", "id::text", "reasons tell of the person"),
    Place(
        table="status_change",
        reference="customer_id",
        pseudonymise="UPDATE status_change SET reason = NULL WHERE customer_id = ANY(:ids)"
        " AND reason IS NOT NULL RETURNING customer_id AS subject, id::text AS key",
        everything="DELETE FROM status_change WHERE customer_id = ANY(:ids)"
        " RETURNING customer_id AS subject, id::text AS key",
        reason="when which status began is a statistic, why tells of the person",
    ),
    _removed(
        "outbox",
        "subject",
        "id::text",
        "whole facts; customer.erasing is newer than all of them",
        "type NOT IN ('customer.erasing', 'customer.erased', 'erasure.receipt')",
    ),
    _removed(
        "webhook_delivery",
        "subject",
        "id::text",
        "that something was to be told of the person; the telling of the erasure itself stays",
        "type NOT IN ('customer.erasing', 'customer.erased', 'erasure.receipt')",
    ),
    _removed("dead_letter", "subject", "event_id::text", "whole facts"),
    _removed("idempotency", "subject", "principal || ' ' || key", "stored answers show the person"),
    _removed(
        "operation_detail",
        "subject",
        "operation_id::text",
        "before and after show the person; the chain holds their digests only",
    ),
    Place(
        table="job_row",
        reference="subject",
        pseudonymise=(
            _VERDICTS := "UPDATE job_row SET verdict = '{}' WHERE subject = ANY(:ids)"
            " AND verdict <> '{}' RETURNING subject, job_id || ' ' || position AS key"
        ),
        everything=_VERDICTS,
        reason="that a job did a row is its result, the verdict may show the person",
    ),
    _removed("import_row", "customer_id", "id::text", "the line of the file"),
    Place(
        table="access_log",
        reference="subject",
        pseudonymise=None,
        everything="DELETE FROM access_log WHERE subject = ANY(:ids)"
        " RETURNING subject, id::text AS key",
        reason="who looked at which id: accountability, for a year",
    ),
    _kept("operation", "subject", "who did what to which id: the chain must stand (A39)"),
    _kept("erasure_subject", "customer_id", "the proof names ids"),
    _kept("erasure_receipt", "customer_id", "the proof names ids"),
    _kept("session_erasure", "customer_id", "the proof names ids"),
    _kept("erasure_needle", "customer_id", "sealed, and removed with the certificate"),
)

# What a job was asked is not its row's, and may name those it was about. The list is frozen, so a
# running job needs its filter no more; once it is over, nobody needs what was noted with it.
JOBS = (
    "UPDATE job SET params = CASE WHEN params ? 'resolutions' THEN jsonb_set(params - 'filter',"
    " '{resolutions}', (params->'resolutions') - CAST(:texts AS text[])) ELSE params - 'filter' END"
    " - CASE WHEN state IN ('succeeded', 'failed', 'cancelled') THEN ARRAY['note', 'reason']"
    " ELSE '{}' END"
    " WHERE params ?| ARRAY['filter', 'resolutions', 'note', 'reason']"
    " AND id IN (SELECT job_id FROM job_row WHERE subject = ANY(:ids))"
)

# Tables without a row of a customer. The search for leftovers reads those marked True all the same:
# free text may name anybody.
OTHERS: dict[str, bool] = {
    "alembic_version": False,
    "api_key": False,
    "api_key_fact": False,
    "calendar": False,
    "certificate": True,
    "chain_head": False,
    "customer_class": False,
    "erasure": True,
    "erasure_search": False,
    "export": True,
    "feed_cursor": False,
    "outbox_unsent": False,
    "import": True,
    "job": True,
    "login_attempt": False,
    "operation_seal": False,
    "operation_unsealed": False,
    "operator": False,
    "operator_fact": False,
    "operator_hold": True,
    "package": False,
    "preference": True,
    "retention_policy": False,
    "saved_view": True,
    "setting": False,
    "signing_key": False,
    "tick": True,
    "tombstones_read": False,
    "tombstone": False,
    "webhook_endpoint": True,
    "worker_heartbeat": False,
}
