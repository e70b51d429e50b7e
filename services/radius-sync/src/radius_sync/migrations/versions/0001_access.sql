-- Facts with a version per source, what is derived from them, and who is told.

CREATE EXTENSION IF NOT EXISTS pgcrypto;

-- An erased customer leaves a row with the highest version and nothing in it: no late event returns.
CREATE TABLE subscriber (
    customer_id uuid PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0,
    account_version bigint NOT NULL DEFAULT 0,
    operator_path text COLLATE "C" NOT NULL,
    -- from customers
    username text CHECK (username ~ '^[a-z0-9._@-]{1,64}$'),
    password_sealed text,
    standing text NOT NULL DEFAULT 'unknown',
    service_type text NOT NULL DEFAULT 'other',
    package_id uuid,
    activated boolean NOT NULL DEFAULT false,
    expires_at timestamptz,
    holds text[] NOT NULL DEFAULT '{}',
    overdue_effect text NOT NULL DEFAULT 'suspend',
    suspended_access text NOT NULL DEFAULT 'walled',
    limited_kbps int NOT NULL DEFAULT 512 CHECK (limited_kbps > 0),
    lift_suspension_until timestamptz,
    balance_control text NOT NULL DEFAULT 'prepaid',
    credit_limit numeric,
    static_address inet,
    -- from payments
    overdue boolean NOT NULL DEFAULT false,
    outstanding numeric,
    available_funds numeric,
    -- when time alone may change what is derived
    recheck_at timestamptz
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX subscriber_username ON subscriber (username);
CREATE INDEX subscriber_path ON subscriber (operator_path, customer_id);
CREATE INDEX subscriber_package ON subscriber (package_id, customer_id);
CREATE INDEX subscriber_recheck ON subscriber (recheck_at) WHERE recheck_at IS NOT NULL;
CREATE FUNCTION next_recheck(expires_at timestamptz, lift_until timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE RETURN least(CASE WHEN expires_at > now() THEN expires_at END,
    CASE WHEN lift_until > now() THEN lift_until END);
CREATE INDEX operator_fact_holding ON operator_fact (operator_path) WHERE holds <> '{}';

CREATE TABLE package_fact (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    name text NOT NULL,
    download_kbps int NOT NULL CHECK (download_kbps > 0),
    upload_kbps int NOT NULL CHECK (upload_kbps > 0),
    retired boolean NOT NULL,
    attributes jsonb NOT NULL DEFAULT '{}'
);

-- What a login may do: the one source of its FreeRADIUS rows on every target. `generation` changes
-- with the rows, `access_generation` with what an open session has to be told.
CREATE TABLE login (
    username text PRIMARY KEY,
    customer_id uuid,
    operator_path text COLLATE "C" NOT NULL DEFAULT '',
    access text NOT NULL DEFAULT 'removed',
    reason text NOT NULL DEFAULT 'unknown',
    groupname text,
    rate text,
    password_sealed text,
    static_address inet,
    expires_at timestamptz,
    -- A removed login keeps its reject row while a session is open.
    closing boolean NOT NULL DEFAULT false,
    generation bigint NOT NULL DEFAULT 0,
    access_generation bigint NOT NULL DEFAULT 0,
    -- With the user name, the order in which targets copy: no late commit is skipped.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    changed_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX login_customer ON login (customer_id);
CREATE INDEX login_prefix ON login (username text_pattern_ops);
CREATE INDEX login_path ON login (operator_path, username);
CREATE INDEX login_changed ON login (xid, username);
CREATE INDEX login_closing ON login (username) WHERE closing;
CREATE SEQUENCE login_generation;

-- Whose login it was when: sessions and usage are never shown to, or cut for, the next owner.
CREATE TABLE login_owner (
    username text NOT NULL,
    customer_id uuid NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    until timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (username, since)
);
CREATE INDEX login_owner_customer ON login_owner (customer_id);

-- The limited rates in use; each is a group on every target.
CREATE TABLE limited_rate (kbps int PRIMARY KEY);

-- Derive again all customers of a package or below an operator, in chunks by customer id.
CREATE TABLE sweep (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('package', 'operator')),
    key text COLLATE "C" NOT NULL,
    after uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The access rule (reference statuses.md), the same as radius_sync.domain.access says in Python:
-- rows are ordered from most to least restrictive and the first that is true decides.
CREATE VIEW derived WITH (security_invoker = true) AS
SELECT s.customer_id, s.username, s.operator_path, s.standing, s.password_sealed, s.static_address,
    s.expires_at, s.package_id, s.limited_kbps,
    split_part(v.verdict, ':', 1) AS access, split_part(v.verdict, ':', 2) AS reason,
    CASE split_part(v.verdict, ':', 1)
        WHEN 'open' THEN 'plan:' || s.package_id
        WHEN 'limited' THEN 'state:limited:' || s.limited_kbps
        WHEN 'walled' THEN 'state:walled'
    END AS groupname,
    CASE split_part(v.verdict, ':', 1)
        WHEN 'open' THEN p.upload_kbps || 'k/' || p.download_kbps || 'k'
        WHEN 'limited' THEN s.limited_kbps || 'k/' || s.limited_kbps || 'k'
    END AS rate
FROM subscriber s
LEFT JOIN package_fact p ON p.id = s.package_id
CROSS JOIN LATERAL (
    SELECT s.holds || coalesce((
        SELECT array_agg(hold) FROM operator_fact o, unnest(o.holds) AS hold
        WHERE o.holds <> '{}' AND starts_with(s.operator_path, o.operator_path)), '{}') AS holds
    OFFSET 0  -- a fence: else the subquery is computed once per mention
) h
CROSS JOIN LATERAL (
    SELECT (s.overdue OR 'overdue' = ANY (h.holds))
        AND NOT coalesce(s.lift_suspension_until > now(), false) AS overdue
) o
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN s.standing <> 'customer' THEN 'removed:' || s.standing
        WHEN 'admin' = ANY (h.holds) THEN 'blocked:admin'
        WHEN 'fraud' = ANY (h.holds) THEN 'blocked:fraud'
        WHEN 'terminated' = ANY (h.holds) THEN 'blocked:terminated'
        WHEN p.id IS NULL THEN 'blocked:no_package'
        WHEN NOT s.activated THEN 'blocked:inactive'
        WHEN s.expires_at <= now() THEN 'blocked:expired'
        WHEN 'vacation' = ANY (h.holds) THEN 'blocked:vacation'
        WHEN o.overdue AND s.overdue_effect = 'suspend' THEN s.suspended_access || ':overdue'
        WHEN 'funds' = ANY (h.holds) AND s.suspended_access = 'blocked' THEN 'blocked:funds'
        WHEN 'reseller' = ANY (h.holds) AND s.suspended_access = 'blocked' THEN 'blocked:reseller'
        WHEN 'credit' = ANY (h.holds) OR (s.balance_control = 'postpaid'
            AND coalesce(s.outstanding > s.credit_limit, false)) THEN 'walled:credit'
        WHEN 'funds' = ANY (h.holds) THEN 'walled:funds'
        WHEN 'spending' = ANY (h.holds) THEN 'walled:spending'
        WHEN 'reseller' = ANY (h.holds) THEN 'walled:reseller'
        WHEN o.overdue THEN 'limited:overdue'
        WHEN 'fair_use' = ANY (h.holds) THEN 'limited:fair_use'
        ELSE 'open:active'
    END AS verdict
    OFFSET 0
) v;
