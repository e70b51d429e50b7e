-- `+=` where a vendor says one thing in several attributes of one name: of two with `=` FreeRADIUS
-- would send the first. `own_rate` matches NAME=VALUE of a package that brings rates of its own.
ALTER TABLE login_attribute
    ADD COLUMN op text NOT NULL DEFAULT '=' CHECK (op IN ('=', '+=')),
    ADD COLUMN own_rate text;

-- What a NAS calls the service that takes rates as its arguments, where its vendor needs a name.
ALTER TABLE nas_device ADD COLUMN rate_policy text CHECK (rate_policy ~ '^[A-Za-z0-9._-]{1,64}$');

-- What FreeRADIUS knows of a NAS beside its address: the end of the names of its groups.
CREATE FUNCTION nas_type(vendor text, list text, policy text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN vendor || CASE WHEN policy IS NOT NULL THEN '/' || list || '/' || policy
    WHEN list <> 'walled' THEN '/' || list ELSE '' END;

CREATE OR REPLACE VIEW desired_nas WITH (security_invoker = true) AS
SELECT host(address) AS nasname, regexp_replace(name, '[^A-Za-z0-9._-]', '_', 'g') AS shortname,
    nas_type(vendor, walled_list, rate_policy) AS type, secret_sealed AS secret,
    'tenure: require_message_authenticator = ' || CASE WHEN require_ma THEN 'yes' ELSE 'no' END
        AS description
FROM nas_device;

-- A group as it is for any NAS, MikroTik's attributes with it (others ignore them: RFC 2865 5.26), and
-- as NAME@TYPE for NASes that want it otherwise. Our queries take the longest name that fits the NAS; a
-- stock configuration takes the plain one. `=` lets a customer's own radreply row win over the group
-- (radius.md 5.3). 300 s of interim updates are what the reaper of stale sessions counts in.
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
        AND NOT EXISTS (SELECT FROM jsonb_each_text(g.attributes)
            WHERE key || '=' || value ~ a.own_rate)
    UNION ALL SELECT 'Acct-Interim-Interval', '=', '300'
    WHERE NOT g.attributes ? 'Acct-Interim-Interval'
    -- What bounds a session that no Disconnect reaches, of a customer whose service has no end.
    UNION ALL SELECT 'Session-Timeout', '=', '86400' WHERE NOT g.attributes ? 'Session-Timeout'
    UNION ALL SELECT 'Framed-Pool', '=', g.pool WHERE g.pool IS NOT NULL
    UNION ALL SELECT key, '=', value FROM jsonb_each_text(g.attributes)
) r;
