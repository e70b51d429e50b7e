-- What an open session has to be told; a session of a former owner of the login is ended.
INSERT INTO disconnect_order (id, acctuniqueid, acctsessionid, nas_address, username,
    framed_address, session_started_at, customer_id, operator_path, kind, change, rate,
    old_rate, generation, reason)
SELECT gen_random_uuid(), a.acctuniqueid, a.acctsessionid, a.nasipaddress, a.username,
    a.framedipaddress, a.acctstarttime, l.customer_id, l.operator_path,
    -- The Class that we gave names the owner; without it the time does, as the NAS's clock tells it.
    CASE WHEN l.groupname IS NULL OR CASE WHEN a.class ~ '^[0-9a-f-]{36}[:]'
        THEN left(a.class, 36) <> CAST(l.customer_id AS text) ELSE a.acctstarttime < o.since END
        THEN 'disconnect' ELSE 'coa' END,
    CASE WHEN l.access = 'walled' THEN 'wall' WHEN t.was NOT IN ('open', 'limited') THEN 'unwall'
        WHEN l.access = 'limited' THEN 'rate_limit' WHEN l.access = 'open' THEN 'package' END,
    l.rate, t.old_rate, l.access_generation, l.reason
FROM unnest(CAST(:logins AS text[]), CAST(:were AS text[]), CAST(:old_rates AS text[]))
    AS t(username, was, old_rate)
JOIN login l ON l.username = t.username
JOIN radacct a ON a.username = l.username AND a.acctstoptime IS NULL
LEFT JOIN login_owner o ON o.username = l.username AND o.until = 'infinity'
ORDER BY a.acctuniqueid
ON CONFLICT (acctuniqueid, kind, generation) DO NOTHING
