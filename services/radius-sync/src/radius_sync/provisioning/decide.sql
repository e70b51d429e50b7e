-- Who bears each of :logins, and what follows. One row of arrays: the logins that changed; of them
-- those whose open sessions have to be `told`, and what they `were`, and their
-- `old_rates`; the groups of the limited ones;
-- and those that another transaction has just made: they `raced`, and are locked and decided again.
WITH owner AS (
    -- The living customer owns the login; among several, as during a swap of names, the newest.
    SELECT DISTINCT ON (d.username) d.* FROM derived d WHERE d.username = ANY(CAST(:logins AS text[]))
    ORDER BY d.username, (d.standing = 'customer') DESC, d.customer_id DESC
), wanted AS (
    SELECT l.username, o.customer_id, coalesce(o.operator_path, '') AS operator_path,
        coalesce(o.access, 'removed') AS access, coalesce(o.reason, 'renamed') AS reason,
        o.groupname, o.rate, o.password_sealed, o.static_address, o.expires_at,
        coalesce(o.access, 'removed') = 'removed' AND EXISTS (SELECT FROM radacct a
            WHERE a.username = l.username AND a.acctstoptime IS NULL) AS closing,
        b.username IS NOT NULL AS known, b.customer_id AS former,
        coalesce(b.access, 'removed') AS was, b.rate AS old_rate,
        b.username IS NULL OR (b.customer_id, b.access, b.groupname, b.rate)
            IS DISTINCT FROM (o.customer_id, coalesce(o.access, 'removed'), o.groupname, o.rate) AS told,
        b.access_generation AS told_before,
        b.username IS NULL OR (b.operator_path, b.reason, b.password_sealed, b.static_address, b.expires_at)
            IS DISTINCT FROM (coalesce(o.operator_path, ''), coalesce(o.reason, 'renamed'),
                o.password_sealed, o.static_address, o.expires_at) AS other,
        b.closing AS was_closing
    FROM unnest(CAST(:logins AS text[])) AS l(username)
    LEFT JOIN owner o USING (username) LEFT JOIN login b USING (username)
    WHERE b.username IS NOT NULL OR o.customer_id IS NOT NULL
), news AS MATERIALIZED (
    SELECT *, nextval('login_generation') AS generation FROM wanted
    WHERE told OR other OR closing <> was_closing ORDER BY username
), added AS (
    INSERT INTO login (username, customer_id, operator_path, access, reason, groupname, rate,
        password_sealed, static_address, expires_at, closing, generation, access_generation)
    SELECT username, customer_id, operator_path, access, reason, groupname, rate,
        password_sealed, static_address, expires_at, closing, generation, generation
    FROM news WHERE NOT known ORDER BY username
    ON CONFLICT (username) DO NOTHING RETURNING username
), altered AS (
    UPDATE login l SET customer_id = n.customer_id, operator_path = n.operator_path,
        access = n.access, reason = n.reason, groupname = n.groupname, rate = n.rate,
        password_sealed = n.password_sealed, static_address = n.static_address,
        expires_at = n.expires_at, closing = n.closing, generation = n.generation,
        access_generation = CASE WHEN n.told THEN n.generation ELSE n.told_before END,
        xid = pg_current_xact_id(), changed_at = now()
    FROM news n WHERE l.username = n.username AND n.known RETURNING l.username
), changed AS (
    SELECT n.* FROM news n JOIN (TABLE added UNION ALL TABLE altered) w USING (username)
), rates AS (
    INSERT INTO limited_rate (kbps)
    SELECT DISTINCT CAST(split_part(groupname, ':', 3) AS int) FROM changed WHERE access = 'limited'
    ON CONFLICT DO NOTHING
), ended AS (
    UPDATE login_owner o SET until = now() FROM changed c
    WHERE c.former IS NOT NULL AND o.username = c.username AND o.until = 'infinity'
        AND c.former = o.customer_id
        AND c.customer_id IS DISTINCT FROM c.former
), begun AS (
    INSERT INTO login_owner (username, customer_id, since)
    SELECT username, customer_id, CASE WHEN known THEN now() ELSE '-infinity' END
    FROM changed WHERE customer_id IS NOT NULL AND customer_id IS DISTINCT FROM former
    ON CONFLICT (username, since) DO UPDATE SET customer_id = excluded.customer_id
), published AS (
    -- Nobody subscribes to it: it goes to the feed only.
    INSERT INTO outbox (id, type, subject, sequence, operator_path, data)
    SELECT gen_random_uuid(), 'access.changed', customer_id, generation, operator_path,
        jsonb_build_object('access', access)
    FROM changed WHERE customer_id IS NOT NULL
        AND (access <> was OR access <> 'removed' AND customer_id IS DISTINCT FROM former)
    -- Who has lost the login is told what is left: nothing, or what the new login gives.
    UNION ALL SELECT gen_random_uuid(), 'access.changed', d.customer_id, c.generation,
        d.operator_path, jsonb_build_object('access', d.access)
    FROM changed c CROSS JOIN LATERAL (
        SELECT * FROM derived WHERE customer_id = c.former OFFSET 0) d  -- one by one: there are few
    WHERE c.customer_id IS DISTINCT FROM c.former AND d.access <> c.was
)
SELECT CAST(coalesce(array_agg(username) FILTER (WHERE NOT raced), '{}') AS text) AS changed,
    CAST(coalesce(array_agg(username) FILTER (WHERE NOT raced AND told), '{}') AS text) AS told,
    CAST(coalesce(array_agg(was) FILTER (WHERE NOT raced AND told), '{}') AS text) AS were,
    CAST(coalesce(array_agg(old_rate) FILTER (WHERE NOT raced AND told), '{}') AS text) AS old_rates,
    array_agg(DISTINCT groupname) FILTER (WHERE NOT raced AND access = 'limited') AS limited,
    CAST(coalesce(array_agg(username) FILTER (WHERE raced), '{}') AS text) AS raced
FROM (SELECT n.username, n.told, n.was, n.old_rate, n.access, n.groupname, c.username IS NULL AS raced
    FROM news n LEFT JOIN changed c USING (username)) AS decided
