"""Whether a session may be named in another way than by its id, after the NAS knew none with that id.

A login, or an address, names whoever has it now. So it is used only while accounting knows of nobody
else there, and of a login that may be online only for a session of its present owner (I8, F32).
"""

# Of an order `o`. Told again each time that it is sent: what was true a minute ago may not be now.
UNMISTAKABLE = (
    "(NOT EXISTS (SELECT FROM radacct x WHERE x.framedipaddress = o.framed_address"
    "   AND x.nasipaddress = o.nas_address AND x.acctstoptime IS NULL AND x.username <> o.username)"
    # Of a login that is barred every session is to end, whichever the name hits.
    "  AND (NOT EXISTS (SELECT FROM login l WHERE l.username = o.username AND l.groupname IS NOT NULL)"
    "   OR EXISTS (SELECT FROM radacct a JOIN login l ON l.username = a.username"
    "    LEFT JOIN login_owner w ON w.username = l.username AND w.until = 'infinity'"
    "    WHERE a.acctuniqueid = o.acctuniqueid"
    "    AND CASE WHEN a.class ~ '^[0-9a-f-]{36}[:]'"
    "     THEN left(a.class, 36) = CAST(l.customer_id AS text) ELSE a.acctstarttime >= w.since END)"
    "   AND NOT EXISTS (SELECT FROM radacct x WHERE x.username = o.username"
    "    AND x.acctstoptime IS NULL AND x.acctuniqueid <> o.acctuniqueid)))"
)
