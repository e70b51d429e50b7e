"""What radius-sync holds on a person beside the rows that name the customer: those that name the login.

A login may have had other owners: sessions and log lines are the person's only of the time it was theirs.
"""

from __future__ import annotations

from radius_sync.persistence import owned
from shared.subject_data import Place

_THEN = (
    "EXISTS (SELECT FROM login_owner o WHERE o.customer_id = :id AND o.username = t.username"
    " AND {})"
)
_NOW = "EXISTS (SELECT FROM login l WHERE l.customer_id = :id AND l.username = t.username)"

PLACES = (
    Place("radacct", _THEN.format(owned("t", "t.acctstarttime"))),
    Place("session_archive", _THEN.format(owned("t", "t.acctstarttime"))),
    Place("radpostauth", _THEN.format("t.authdate >= o.since AND t.authdate < o.until")),
    *(Place(table, _NOW) for table in ("radcheck", "radreply", "radusergroup")),
)
