"""Rows that FreeRADIUS would take for something else than they were meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from radius_sync import nas_rows
from radius_sync.doctor.findings import Finding
from radius_sync.vendors import RATE_POLICY, UNTHROTTLED, VENDORS

_NAMELESS = ", ".join(f"'{name}'" for name, one in VENDORS.items() if one.needs_rate_policy)
# code, query of (place, detail), fault, fix. Each query names at most a few places, not each row.
_RULES = (
    (
        "passwords_in_radpostauth",
        "SELECT 'radpostauth', count(*) FROM (SELECT FROM radpostauth"
        " WHERE pass <> '' LIMIT 1000) AS kept HAVING count(*) > 0",
        "passwords of logins are kept in clear text",
        "UPDATE radpostauth SET pass = NULL WHERE pass <> ''; then mend the post-auth query",
    ),
    (
        "clear_text_password",
        "SELECT 'radcheck', count(*) FROM radcheck WHERE attribute = 'Cleartext-Password'"
        " AND value NOT LIKE 'v1:%' HAVING count(*) > 0",
        "passwords are stored in clear text",
        "POST /v1/reconciliations {heal: true}; rows of nobody's login: delete them",
    ),
    (
        "executable_value",
        "SELECT place || ' ' || id, 1 FROM (SELECT 'radcheck' AS place, id, value FROM radcheck"
        " UNION ALL SELECT 'radreply', id, value FROM radreply"
        " UNION ALL SELECT 'radgroupcheck', id, value FROM radgroupcheck"
        " UNION ALL SELECT 'radgroupreply', id, value FROM radgroupreply) AS stored"
        " WHERE value ~ '^([`\"'']).*\\1$' LIMIT 100",
        "FreeRADIUS executes a value in back-quotes, and strips other quotes",
        "delete the row, and look for who wrote it",
    ),
    (
        "wrong_operator",
        "SELECT place || ': ' || attribute || ' ' || op, count(*) FROM ("
        "SELECT 'radcheck' AS place, attribute, op FROM radcheck"
        " WHERE op NOT IN (':=', '+=') AND (attribute LIKE '%-Password'"
        "  OR attribute IN ('Auth-Type', 'Simultaneous-Use', 'Expiration'))"
        " UNION ALL SELECT 'radgroupcheck', attribute, op FROM radgroupcheck"
        " WHERE op NOT IN (':=', '+=') AND (attribute LIKE '%-Password'"
        "  OR attribute IN ('Auth-Type', 'Simultaneous-Use', 'Expiration'))"
        " UNION ALL SELECT 'radreply', attribute, op FROM radreply"
        " WHERE op NOT IN ('=', ':=', '+=')"
        " UNION ALL SELECT 'radgroupreply', attribute, op FROM radgroupreply"
        " WHERE op NOT IN ('=', ':=', '+=')) AS wrong GROUP BY 1",
        "the operator compares, or does nothing, where a value was to be set",
        "set op = ':=' in these rows ('=' in radgroupreply)",
    ),
    (
        "group_overrides_customer",
        "SELECT 'radgroupreply: ' || g.groupname || ' ' || g.attribute, count(*)"
        " FROM radgroupreply g WHERE g.op = ':=' AND EXISTS (SELECT FROM radusergroup u"
        "  JOIN radreply r ON r.username = u.username AND r.attribute = g.attribute"
        "  WHERE u.groupname = g.groupname) GROUP BY 1",
        "`:=` in a group overwrites what a customer has of its own",
        "set op = '=' in the group",
    ),
    (
        "login_not_lower_case",
        "SELECT place, count(*) FROM (SELECT 'radcheck' AS place, username FROM radcheck"
        " UNION ALL SELECT 'radreply', username FROM radreply"
        " UNION ALL SELECT 'radusergroup', username FROM radusergroup) AS logins"
        " WHERE username <> lower(btrim(username)) GROUP BY place",
        "logins are looked up in lower case: these rows are never found",
        "UPDATE … SET username = lower(btrim(username)), where no such login is there yet",
    ),
    (
        "interim_missing",
        "SELECT 'group ' || u.groupname, 1 FROM (SELECT DISTINCT groupname FROM radusergroup) AS u"
        " WHERE NOT EXISTS (SELECT FROM radgroupreply r WHERE r.groupname = u.groupname"
        "  AND r.attribute = 'Acct-Interim-Interval')",
        "no Acct-Interim-Interval: a session that died cannot be told from one that is quiet",
        "INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES"
        " (…, 'Acct-Interim-Interval', '=', '300')",
    ),
    (
        "interim_not_sent",
        "SELECT 'NAS ' || host(nasipaddress), count(*) FROM radacct WHERE acctstoptime IS NULL"
        " AND acctinterval IS NULL AND acctstarttime < now() - interval '1 hour'"
        " GROUP BY nasipaddress HAVING count(*) > 2",
        "sessions an hour old have sent no interim update",
        "switch on interim updates at the NAS",
    ),
    (
        "accepted_without_limits",
        "SELECT 'login ' || c.username, 1 FROM radcheck c WHERE c.attribute = 'Cleartext-Password'"
        " AND NOT EXISTS (SELECT FROM radusergroup u WHERE u.username = c.username)"
        " AND NOT EXISTS (SELECT FROM radcheck r WHERE r.username = c.username"
        "  AND r.attribute = 'Auth-Type' AND r.value = 'Reject') LIMIT 20",
        "a password without a group is accepted without any limit",
        "give the login its group, or the row Auth-Type := Reject",
    ),
    (
        "rates_not_told",
        f"SELECT 'NAS ' || nasname, 1 FROM nas WHERE {nas_rows.OURS}"
        f" AND split_part(type, '/', 1) IN ({_NAMELESS}) AND split_part(type, '/', 3) = ''",
        UNTHROTTLED,
        RATE_POLICY,
    ),
)  # fmt: skip


def examine(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    for code, query, fault, fix in _RULES:
        for place, number in connection.execute(query.encode()).fetchall():
            count = f" ({number} rows)" if number > 1 else ""
            yield Finding(code, place, fault + count, fix)
