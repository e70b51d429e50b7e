"""Sessions of any age, and who had an address at a time: accounting and its archive as one."""

from __future__ import annotations

from datetime import date, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from sqlalchemy import Select, column, select, table, text
from sqlalchemy.orm import Session

from radius_sync.persistence import addressed, nas, of_owner, owner, radacct, subscriber
from shared.database import Scope

# Two at a time is a wrong accounting row; more need not be shown.
MOST = 20

record = table("session_record", *(column(kept.name) for kept in radacct.c))

_AT = " AND acctstarttime <= :at AND (acctstoptime IS NULL OR acctstoptime > :at)"
_HOLDERS = {
    # By the index of address and start; a prefix by containment.
    4: ("framedipaddress =",),
    6: ("framedipv6address =", "framedipv6prefix >>=", "delegatedipv6prefix >>="),
}


def sessions(scope: Scope) -> Select[Any]:
    """As persistence.sessions, of any age."""
    joined = record.outerjoin(owner, of_owner(record)).outerjoin(
        subscriber, subscriber.c.customer_id == owner.c.customer_id
    )
    plain = [c for c in record.c if c.name not in ("nasipaddress", "framedipaddress")]
    return (
        select(
            *plain,
            addressed(record.c.nasipaddress),
            addressed(record.c.framedipaddress),
            owner.c.customer_id,
            subscriber.c.operator_path,
            nas.c.id.label("nas_id"),
            nas.c.name.label("nas_name"),
        )
        .select_from(joined.outerjoin(nas, nas.c.address == record.c.nasipaddress))
        .where(scope.covers(subscriber.c.operator_path))
    )


def who_had(
    session: Session, scope: Scope, address: IPv4Address | IPv6Address, at: datetime
) -> list[Any]:
    """The sessions that had the address, or the prefix around it, at that time; newest first."""
    holders = " UNION ".join(
        f"SELECT radacctid FROM session_record WHERE {which} CAST(:address AS inet){_AT}"
        for which in _HOLDERS[address.version]
    )
    found = text(holders).bindparams(address=str(address), at=at).columns(column("radacctid"))
    query = sessions(scope).where(record.c.radacctid.in_(found))
    return list(session.execute(query.order_by(record.c.acctstarttime.desc()).limit(MOST)).all())


_SUMS = text(
    'SELECT CAST(greatest(CAST(date_trunc(:period, u.day) AS date), CAST(:first AS date)) AS text) AS "from",'
    " CAST(least(CAST(date_trunc(:period, u.day) + CAST('1 ' || :period AS interval) AS date) - 1,"
    '  CAST(:last AS date)) AS text) AS "to",'
    " CAST(sum(u.sessions) AS bigint) AS sessions, CAST(sum(u.seconds) AS bigint) AS seconds,"
    " CAST(sum(u.upload_octets) AS bigint) AS upload_octets,"
    " CAST(sum(u.download_octets) AS bigint) AS download_octets"
    " FROM usage_day u WHERE u.customer_id = :customer AND u.day BETWEEN :first AND :last"
    " GROUP BY 1, 2 ORDER BY 1"
)


def sums(
    session: Session, scope: Scope, customer_id: UUID, first: date, last: date, period: str
) -> list[Any]:
    """Usage of the days from `first` to `last` by `day` or `month`, oldest first; days without any
    are left out. `sessions` counts those that began."""
    known = select(subscriber.c.customer_id).where(
        subscriber.c.customer_id == customer_id, scope.covers(subscriber.c.operator_path)
    )
    if session.scalar(known) is None:
        return []
    values = {"customer": customer_id, "first": first, "last": last, "period": period}
    return list(session.execute(_SUMS, values).all())
