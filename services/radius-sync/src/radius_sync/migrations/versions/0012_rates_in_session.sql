-- What the session had before: some NASes have to be told what ends by its full name.
ALTER TABLE disconnect_order ADD COLUMN old_rate text;

-- As before; but where a vendor knows rates both as numbers and by the names that the NAS's rate_policy
-- makes, only the names are told: they can be changed in a running session.
CREATE OR REPLACE VIEW desired_radgroupreply WITH (security_invoker = true) AS
SELECT g.groupname || v.suffix AS groupname, r.attribute, r.op, r.value
FROM (
    SELECT 'plan:' || id AS groupname, 'rate' AS kind, upload_kbps AS up, download_kbps AS down,
        attributes, NULL AS pool
    FROM package_fact
    UNION ALL SELECT 'state:limited:' || kbps, 'rate', kbps, kbps, '{}', NULL FROM limited_rate
    UNION ALL SELECT 'state:walled', 'walled', 0, 0, '{}', NULL
    UNION ALL SELECT 'state:walled:' || reason, 'walled', 0, 0, '{}', pool FROM walled_cause
) g JOIN (
    SELECT kind, '' AS suffix, 'mikrotik' AS vendor, 'walled' AS list, NULL AS policy
    FROM (VALUES ('rate'), ('walled')) AS kinds(kind)
    UNION SELECT 'rate', '@' || CASE WHEN rate_policy IS NULL THEN vendor
            ELSE nas_type(vendor, walled_list, rate_policy) END,
        vendor, '', rate_policy FROM nas_device WHERE vendor <> 'mikrotik'
    UNION SELECT 'walled', '@' || nas_type(vendor, walled_list, rate_policy),
        vendor, walled_list, NULL
    FROM nas_device WHERE (vendor, walled_list) <> ('mikrotik', 'walled')
) v ON v.kind = g.kind
CROSS JOIN LATERAL (
    SELECT a.attribute, a.op,
        replace(replace(replace(replace(replace(replace(replace(replace(a.template,
            '{walled_list}', v.list),
            '{rate_policy}', coalesce(v.policy, '')),
            '{upload_kbps}', g.up::text),
            '{download_kbps}', g.down::text),
            -- What a RADIUS integer holds; a larger one would make FreeRADIUS reject the login.
            '{upload_bps}', least(g.up::bigint * 1000, 4294967295)::text),
            '{download_bps}', least(g.down::bigint * 1000, 4294967295)::text),
            -- A second and a half in octets, within what a Cisco takes as a burst.
            '{upload_burst}', least(greatest(g.up::bigint * 375 / 2, 1000), 51200000)::text),
            '{download_burst}', least(greatest(g.down::bigint * 375 / 2, 1000), 51200000)::text)
            AS value
    FROM login_attribute a
    WHERE a.vendor = v.vendor AND a.kind = g.kind AND NOT g.attributes ? a.attribute
        AND NOT (g.pool IS NOT NULL AND a.attribute = 'Framed-Pool')
        AND NOT (v.policy IS NULL AND a.template LIKE '%{rate_policy}%')
        AND NOT (v.policy IS NOT NULL AND a.template NOT LIKE '%{rate_policy}%'
            AND EXISTS (SELECT FROM login_attribute p WHERE p.vendor = a.vendor AND p.kind = a.kind
                AND p.template LIKE '%{rate_policy}%' AND NOT g.attributes ? p.attribute))
        AND NOT EXISTS (SELECT FROM jsonb_each_text(g.attributes)
            WHERE key || '=' || value ~ a.own_rate)
    UNION ALL SELECT 'Acct-Interim-Interval', '=', '300'
    WHERE NOT g.attributes ? 'Acct-Interim-Interval'
    -- What bounds a session that no Disconnect reaches, of a customer whose service has no end.
    UNION ALL SELECT 'Session-Timeout', '=', '86400' WHERE NOT g.attributes ? 'Session-Timeout'
    UNION ALL SELECT 'Framed-Pool', '=', g.pool WHERE g.pool IS NOT NULL
    UNION ALL SELECT key, '=', value FROM jsonb_each_text(g.attributes)
) r;
