-- The login parts of the data files vendors/*.toml, loaded at every migration.
CREATE TABLE login_attribute (
    vendor text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('rate', 'walled')),
    place int NOT NULL,
    attribute text NOT NULL,
    template text NOT NULL,
    PRIMARY KEY (vendor, kind, place)
);

-- Each cause may have an address pool of its own, so that its customers see its page.
CREATE TABLE walled_cause (
    reason text PRIMARY KEY,
    pool text CHECK (pool ~ '^[A-Za-z0-9._-]{1,64}$'),
    version bigint NOT NULL DEFAULT 1
);
INSERT INTO walled_cause (reason) VALUES ('overdue'), ('credit'), ('funds'), ('spending'), ('reseller');

-- One group only: the state replaces the plan, since only the first matching group counts.
CREATE OR REPLACE VIEW desired_radusergroup WITH (security_invoker = true) AS
SELECT username,
    CASE WHEN groupname = 'state:walled'
            AND reason IN ('overdue', 'credit', 'funds', 'spending', 'reseller')
        THEN 'state:walled:' || reason ELSE groupname END AS groupname,
    CASE WHEN access = 'open' THEN 10 ELSE 0 END AS priority
FROM login WHERE groupname IS NOT NULL;

-- A group as it is for any NAS, MikroTik's attributes with it (others ignore them: RFC 2865 5.26), and
-- as NAME@VENDOR or NAME@VENDOR/LIST for those that want it otherwise. Our queries take the longest
-- name that fits the NAS; a stock configuration takes the plain one. `=` lets a customer's own radreply
-- row win over the group (radius.md 5.3). 300 s of interim updates are what the reaper of stale
-- sessions counts in.
CREATE OR REPLACE VIEW desired_radgroupreply WITH (security_invoker = true) AS
SELECT g.groupname || v.suffix AS groupname, r.attribute, '='::text AS op, r.value
FROM (
    SELECT 'plan:' || id AS groupname, 'rate' AS kind, upload_kbps AS up, download_kbps AS down,
        attributes, NULL AS pool
    FROM package_fact
    UNION ALL SELECT 'state:limited:' || kbps, 'rate', kbps, kbps, '{}', NULL FROM limited_rate
    UNION ALL SELECT 'state:walled', 'walled', 0, 0, '{}', NULL
    UNION ALL SELECT 'state:walled:' || reason, 'walled', 0, 0, '{}', pool FROM walled_cause
) g JOIN (
    SELECT kind, '' AS suffix, 'mikrotik' AS vendor, 'walled' AS list
    FROM (VALUES ('rate'), ('walled')) AS kinds(kind)
    UNION SELECT 'rate', '@' || vendor, vendor, '' FROM nas_device WHERE vendor <> 'mikrotik'
    UNION SELECT 'walled',
        '@' || vendor || CASE walled_list WHEN 'walled' THEN '' ELSE '/' || walled_list END,
        vendor, walled_list FROM nas_device WHERE (vendor, walled_list) <> ('mikrotik', 'walled')
) v ON v.kind = g.kind
CROSS JOIN LATERAL (
    SELECT a.attribute,
        replace(replace(replace(replace(replace(a.template,
            '{walled_list}', v.list),
            '{upload_kbps}', g.up::text),
            '{download_kbps}', g.down::text),
            -- What a RADIUS integer holds; a larger one would make FreeRADIUS reject the login.
            '{upload_bps}', least(g.up::bigint * 1000, 4294967295)::text),
            '{download_bps}', least(g.down::bigint * 1000, 4294967295)::text) AS value
    FROM login_attribute a
    WHERE a.vendor = v.vendor AND a.kind = g.kind AND NOT g.attributes ? a.attribute
        AND NOT (g.pool IS NOT NULL AND a.attribute = 'Framed-Pool')
    UNION ALL SELECT 'Acct-Interim-Interval', '300' WHERE NOT g.attributes ? 'Acct-Interim-Interval'
    UNION ALL SELECT 'Framed-Pool', g.pool WHERE g.pool IS NOT NULL
    UNION ALL SELECT key, value FROM jsonb_each_text(g.attributes)
) r;
