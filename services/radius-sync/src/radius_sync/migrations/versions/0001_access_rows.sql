-- The rows of FreeRADIUS' tables that should be there, as views: what provisioning writes, what a
-- target copies and what reconciliation compares are one and the same query.

-- FreeRADIUS executes a value in back-quotes and strips quotes (reliability 3.6): none can be stored.
-- No regular expression: it took a twentieth of a batch.
ALTER TABLE radcheck ADD CONSTRAINT radcheck_not_quoted CHECK (
    left(value, 1) NOT IN ('`', '"', '''') OR right(value, 1) <> left(value, 1) OR length(value) < 2);
ALTER TABLE radreply ADD CONSTRAINT radreply_not_quoted CHECK (
    left(value, 1) NOT IN ('`', '"', '''') OR right(value, 1) <> left(value, 1) OR length(value) < 2);
ALTER TABLE radgroupcheck ADD CONSTRAINT radgroupcheck_not_quoted CHECK (
    left(value, 1) NOT IN ('`', '"', '''') OR right(value, 1) <> left(value, 1) OR length(value) < 2);
ALTER TABLE radgroupreply ADD CONSTRAINT radgroupreply_not_quoted CHECK (
    left(value, 1) NOT IN ('`', '"', '''') OR right(value, 1) <> left(value, 1) OR length(value) < 2);

-- Every login that has no right to be online has the reject row: a group alone cuts nobody off, and
-- a password alone is accepted without limits (measured, radius.md 5.3).
CREATE VIEW desired_radcheck WITH (security_invoker = true) AS
SELECT l.username, r.attribute, r.op, r.value FROM login l CROSS JOIN LATERAL (
    SELECT 'Cleartext-Password' AS attribute, ':=' AS op, l.password_sealed AS value
    WHERE l.groupname IS NOT NULL AND l.password_sealed IS NOT NULL
    UNION ALL SELECT 'Simultaneous-Use', ':=', '1'
    WHERE l.groupname IS NOT NULL AND l.password_sealed IS NOT NULL
    -- Seconds since 1970, which FreeRADIUS reads in any time zone: even with us down it ends in time.
    UNION ALL SELECT 'Expiration', ':=', floor(extract(epoch FROM l.expires_at))::bigint::text
    WHERE l.groupname IS NOT NULL AND l.password_sealed IS NOT NULL AND l.expires_at < 'infinity'
    UNION ALL SELECT 'Auth-Type', ':=', 'Reject'
    WHERE l.access = 'blocked' OR (l.access = 'removed' AND l.closing)
        OR (l.groupname IS NOT NULL AND l.password_sealed IS NULL)
) r;

CREATE VIEW desired_radreply WITH (security_invoker = true) AS
SELECT l.username, r.attribute, r.op, r.value FROM login l CROSS JOIN LATERAL (
    SELECT 'Class' AS attribute, ':=' AS op, l.customer_id || ':' || l.access_generation AS value
    WHERE l.groupname IS NOT NULL
    UNION ALL SELECT 'Framed-IP-Address', ':=', host(l.static_address)
    WHERE l.groupname IS NOT NULL AND l.static_address IS NOT NULL
    UNION ALL SELECT 'Reply-Message', ':=', CASE l.reason
        WHEN 'expired' THEN 'Your subscription has ended. Please renew it.'
        WHEN 'inactive' THEN 'Your subscription is not active. Please renew it.'
        WHEN 'no_package' THEN 'You have no package yet. Please ask your provider.'
        WHEN 'overdue' THEN 'A bill is overdue. Please pay it.'
        WHEN 'funds' THEN 'Your funds are used up. Please recharge.'
        WHEN 'vacation' THEN 'Your service is paused at your own request.'
        WHEN 'terminated' THEN 'Your service is terminated. Please ask your provider.'
        ELSE 'Your access is blocked. Please ask your provider.' END
    WHERE l.access = 'blocked'
) r;

-- One group only: the state replaces the plan, since only the first matching group counts.
CREATE VIEW desired_radusergroup WITH (security_invoker = true) AS
SELECT username, groupname, CASE WHEN access = 'open' THEN 10 ELSE 0 END AS priority
FROM login WHERE groupname IS NOT NULL;

-- `=` lets a customer's own radreply row win over the group (radius.md 5.3). 300 s of interim
-- updates are what the reaper of stale sessions counts in.
CREATE VIEW desired_radgroupreply WITH (security_invoker = true) AS
SELECT g.groupname, r.attribute, '='::text AS op, r.value
FROM (
    SELECT 'plan:' || id AS groupname, upload_kbps || 'k/' || download_kbps || 'k' AS rate, attributes
    FROM package_fact
    UNION ALL SELECT 'state:limited:' || kbps, kbps || 'k/' || kbps || 'k', '{}' FROM limited_rate
    UNION ALL SELECT 'state:walled', NULL, '{"Mikrotik-Address-List": "walled"}'
) g CROSS JOIN LATERAL (
    SELECT 'Mikrotik-Rate-Limit' AS attribute, g.rate AS value
    WHERE g.rate IS NOT NULL AND NOT g.attributes ? 'Mikrotik-Rate-Limit'
    UNION ALL SELECT 'Acct-Interim-Interval', '300' WHERE NOT g.attributes ? 'Acct-Interim-Interval'
    UNION ALL SELECT key, value FROM jsonb_each_text(g.attributes)
) r;

-- A RADIUS server. The embedded one shares this database, and its rows are written in the same
-- transaction as the facts; each other one is copied to in the order of login.xid.
CREATE TABLE target (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    embedded boolean NOT NULL DEFAULT false,
    address_sealed text,
    enabled boolean NOT NULL DEFAULT true,
    applied_xid xid8 NOT NULL DEFAULT '0',
    applied_username text NOT NULL DEFAULT '',
    groups_digest text,
    failures int NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    error text,
    applied_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX target_embedded ON target (embedded) WHERE embedded;
INSERT INTO target (id, name, embedded) VALUES ('00000000-0000-7000-8000-000000000001', 'embedded', true);

CREATE TABLE reconciliation (
    id uuid PRIMARY KEY,
    job_id uuid,
    heal boolean NOT NULL,
    actor text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    checked bigint NOT NULL DEFAULT 0,
    drift jsonb NOT NULL DEFAULT '{}',
    healed bigint NOT NULL DEFAULT 0
);
CREATE INDEX reconciliation_listed ON reconciliation (started_at DESC, id DESC);

CREATE TABLE drift (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reconciliation_id uuid NOT NULL REFERENCES reconciliation ON DELETE CASCADE,
    target text NOT NULL,
    class text NOT NULL,
    username text,
    customer_id uuid,
    detail text NOT NULL,
    healed boolean NOT NULL DEFAULT false
);
CREATE INDEX drift_of ON drift (reconciliation_id, id);
CREATE INDEX drift_username ON drift (username);

-- An erasure whose receipt waits until every target has let go of the login.
CREATE TABLE erasure_pending (
    erasure_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    mode text NOT NULL,
    usernames text[] NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (erasure_id, customer_id)
);

INSERT INTO radgroupreply (groupname, attribute, op, value)
SELECT groupname, attribute, op, value FROM desired_radgroupreply;
