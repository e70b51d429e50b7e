"""What the search for leftovers has to know of this database: who stays, and whose a row is (A37).

FreeRADIUS' own tables name logins, so a row of a login that a customer has now is that customer's.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.arrays import Array
from shared.leftovers import Books, Known, Whose, remember

_BY_LOGIN = Whose("l.customer_id", "LEFT JOIN login l ON l.username = v.username")
BOOKS = Books(
    stays="EXISTS (SELECT FROM subscriber s WHERE s.customer_id = {} AND s.standing <> 'erasing')",
    used="SELECT lower(username) FROM subscriber WHERE standing <> 'erasing'"
    " AND lower(username) = ANY(:words)"
    " UNION SELECT lower(username) FROM operator_fact WHERE lower(username) = ANY(:words)"
    " UNION SELECT lower(name) FROM package_fact WHERE lower(name) = ANY(:words)",
    whose={
        **dict.fromkeys(
            ("radacct", "radcheck", "radpostauth", "radreply", "radusergroup", "session_archive"),
            _BY_LOGIN,
        ),
        "disconnect_attempt": Whose("o.customer_id", "JOIN disconnect_order o ON o.id = v.order_id"),
    },
    # Of the site, its operators, its NASes and its machines.
    silent=frozenset(
        {
            "alembic_version", "api_key_fact", "dropped_reply", "feed_cursor", "login_attribute",
            "nas", "nas_device", "operation_seal", "operator_fact", "package_fact", "radgroupcheck",
            "radgroupreply", "storm", "target", "walled_cause", "worker_heartbeat",
        }
    ),
)  # fmt: skip

_CLAIMED = text(
    "SELECT erasure_id, customer_id, usernames FROM erasure_pending"
    " WHERE customer_id = ANY(CAST(:ids AS uuid[]))"
)


def remember_logins(session: Session, ids: Array, secret: bytes) -> None:
    """By what logins the network knew these customers, whose erasure was claimed."""
    known = [
        Known(
            erasure_id=row.erasure_id,
            customer_id=row.customer_id,
            words=frozenset(row.usernames),
        )
        for row in session.execute(_CLAIMED, {"ids": ids})
    ]
    remember(session, known, secret)
