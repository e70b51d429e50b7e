CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE setting (
    key text PRIMARY KEY,
    value jsonb NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- The key that signs tokens, certificates and chain heads; the private half is sealed.
CREATE TABLE signing_key (
    kid text PRIMARY KEY,
    public_jwk jsonb NOT NULL,
    private_sealed text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);

CREATE SEQUENCE operator_number;
CREATE TABLE operator (
    id uuid PRIMARY KEY,
    -- The label of the operator in paths: `1/4/9/`.
    number bigint NOT NULL UNIQUE,
    parent_id uuid REFERENCES operator,
    operator_path text COLLATE "C" NOT NULL UNIQUE,
    username text NOT NULL,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('admin', 'manager', 'reseller')),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
    password_hash text NOT NULL,
    holds text[] NOT NULL DEFAULT '{}',
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX operator_username ON operator (lower(username));

-- Holds on operators, seen from below too: a branch sees that it is blocked, not who stands above.
CREATE FUNCTION held() RETURNS TABLE (path text, kinds text[]) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public AS $$ SELECT operator_path, holds FROM operator WHERE holds <> '{}' $$;

CREATE TABLE login_attempt (
    -- A keyed digest of login and address, or of the address alone.
    key text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX login_attempt_key ON login_attempt (key, at);

CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    operator_id uuid NOT NULL REFERENCES operator,
    operator_path text COLLATE "C" NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    digest text NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX api_key_of_operator ON api_key (operator_id);

CREATE TABLE package (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    price numeric(14, 3) NOT NULL CHECK (price >= 0),
    currency text NOT NULL,
    billing_cycle text NOT NULL CHECK (billing_cycle IN ('monthly', 'daily')),
    download_kbps int NOT NULL CHECK (download_kbps > 0),
    upload_kbps int NOT NULL CHECK (upload_kbps > 0),
    validity_days int NOT NULL CHECK (validity_days BETWEEN 1 AND 3660),
    -- Null: every operator may sell it.
    operator_id uuid REFERENCES operator,
    operator_path text COLLATE "C" NOT NULL DEFAULT '',
    attributes jsonb NOT NULL DEFAULT '{}',
    retired boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- The rules that statuses follow, per sort of customer (reference statuses).
CREATE TABLE customer_class (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    overdue_effect text NOT NULL DEFAULT 'suspend' CHECK (overdue_effect IN ('suspend', 'limit')),
    suspended_access text NOT NULL DEFAULT 'walled' CHECK (suspended_access IN ('walled', 'blocked')),
    -- Row 6: prepaid funds that do not cover the subscription suspend, instead of row 9.
    funds_suspend boolean NOT NULL DEFAULT false,
    -- C26: prepaid funds that reach zero stop the service; elsewhere a period is paid in advance.
    pay_as_you_go boolean NOT NULL DEFAULT false,
    limited_kbps int NOT NULL DEFAULT 512 CHECK (limited_kbps > 0),
    -- How long overdue may stand before the provisional termination (C19), and that before the close (C22).
    grace_days int NOT NULL DEFAULT 30 CHECK (grace_days BETWEEN 1 AND 3660),
    termination_days int NOT NULL DEFAULT 30,
    charge_while_suspended boolean NOT NULL DEFAULT true,
    retry_limit int NOT NULL DEFAULT 3,
    version bigint NOT NULL DEFAULT 1
);
-- The sort that a customer is of when nobody says otherwise.
INSERT INTO customer_class (id, name) VALUES ('00000000-0000-7000-8000-000000000001', 'standard');

CREATE SEQUENCE customer_number START 100001;
CREATE TABLE customer (
    id uuid PRIMARY KEY,
    customer_number text COLLATE "C" NOT NULL,
    name text NOT NULL,
    username text COLLATE "C" NOT NULL,
    password_sealed text,
    email text,
    phone text,
    address text,
    kind text NOT NULL DEFAULT 'customer' CHECK (kind IN ('customer', 'lead')),
    service_type text NOT NULL DEFAULT 'pppoe' CHECK (service_type IN ('pppoe', 'hotspot', 'static', 'other')),
    static_address text,
    class_id uuid NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001' REFERENCES customer_class,
    operator_id uuid NOT NULL REFERENCES operator,
    operator_path text COLLATE "C" NOT NULL,
    package_id uuid REFERENCES package,
    balance_control text NOT NULL DEFAULT 'prepaid' CHECK (balance_control IN ('prepaid', 'postpaid')),
    currency text NOT NULL DEFAULT 'BDT',
    credit_limit numeric(14, 3),
    spending_limit numeric(14, 3),
    auto_payment boolean NOT NULL DEFAULT false,
    custom_fields jsonb NOT NULL DEFAULT '{}',
    -- The life: alive, deleted (kept whole), erasing (the point of no return).
    state text NOT NULL DEFAULT 'alive' CHECK (state IN ('alive', 'deleted', 'erasing')),
    closed_at timestamptz,
    exported_at timestamptz,
    activated_at timestamptz,
    expires_at timestamptz,
    lift_suspension_until timestamptz,
    legal_hold jsonb,
    -- The kinds in force, for lists, statuses and events; the rows of `hold` tell the rest.
    holds text[] NOT NULL DEFAULT '{}',
    -- What payments told last (account.changed).
    account_version bigint NOT NULL DEFAULT 0,
    balance numeric(14, 3) NOT NULL DEFAULT 0,
    available_funds numeric(14, 3) NOT NULL DEFAULT 0,
    overdue boolean NOT NULL DEFAULT false,
    -- The first true row of reference/statuses.md, kept for lists and filters; made by domain.status.
    status text NOT NULL DEFAULT 'inactive',
    status_reason text,
    status_since timestamptz NOT NULL DEFAULT now(),
    -- Deletion: who, when, why, and how it was then.
    deleted_at timestamptz,
    deleted_by text,
    deleted_by_id uuid,
    deletion_reason text CHECK (deletion_reason IN ('closed_account', 'migrated_away', 'wrong_entry', 'test_account', 'operator_error')),
    deletion_note text,
    deletion_snapshot jsonb,
    -- As they were called then (A15, A16), for the list and its order.
    deleted_package_name text,
    deleted_operator_name text,
    erase_after timestamptz,
    restored_at timestamptz,
    restore_report jsonb,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- Folded copy of what a search looks at: number, login, name, phone digits, e-mail.
    search text GENERATED ALWAYS AS (
        lower(customer_number || ' ' || username || ' ' || name || ' ' || coalesce(phone, '') || ' ' || coalesce(email, ''))
    ) STORED,
    CHECK ((state = 'alive') = (deleted_at IS NULL))
);
-- Login and e-mail are unique among the living only: a deleted login may be taken again at once.
CREATE UNIQUE INDEX customer_living_username ON customer (username) WHERE state = 'alive';
CREATE UNIQUE INDEX customer_living_email ON customer (lower(email)) WHERE state = 'alive' AND email IS NOT NULL;
-- A number is free again after erasure only (D6).
CREATE UNIQUE INDEX customer_number_taken ON customer (customer_number) WHERE state <> 'erasing';
CREATE INDEX customer_listed ON customer (created_at DESC, id DESC) WHERE state = 'alive';
CREATE INDEX customer_by_name ON customer (name, id) WHERE state = 'alive';
CREATE INDEX customer_status_order ON customer (status, id) WHERE state = 'alive';
CREATE INDEX customer_by_status ON customer (status, created_at DESC, id DESC) WHERE state = 'alive';
CREATE INDEX customer_of_operator ON customer (operator_path, created_at DESC, id DESC) WHERE state = 'alive';
CREATE INDEX customer_deleted ON customer (deleted_at DESC, id DESC) WHERE state = 'deleted';
CREATE INDEX customer_deleted_of_operator ON customer (operator_path, deleted_at DESC, id DESC) WHERE state = 'deleted';
-- The deleted list sorts by every column of A12 to A18; only deleted rows pay for it.
CREATE INDEX customer_deleted_name ON customer (name, id) WHERE state = 'deleted';
CREATE INDEX customer_deleted_username ON customer (username, id) WHERE state = 'deleted';
CREATE INDEX customer_deleted_number ON customer (customer_number, id) WHERE state = 'deleted';
CREATE INDEX customer_deleted_phone ON customer (phone, id) WHERE state = 'deleted';
CREATE INDEX customer_deleted_package ON customer (deleted_package_name, id) WHERE state = 'deleted';
CREATE INDEX customer_deleted_operator ON customer (deleted_operator_name, id) WHERE state = 'deleted';
CREATE INDEX customer_deleted_who ON customer (deleted_by, deleted_at DESC, id DESC) WHERE state = 'deleted';
CREATE INDEX customer_deleted_why ON customer (deletion_reason, deleted_at DESC, id DESC) WHERE state = 'deleted';
CREATE INDEX customer_erase_due ON customer (erase_after) WHERE state = 'deleted';
CREATE INDEX customer_by_number ON customer (customer_number, id) WHERE state = 'alive';
CREATE INDEX customer_by_phone ON customer (phone) WHERE state = 'alive' AND phone IS NOT NULL;
CREATE INDEX customer_by_expiry ON customer (expires_at, id) WHERE state = 'alive';
CREATE INDEX customer_by_balance ON customer (balance, id) WHERE state = 'alive';
CREATE INDEX customer_held ON customer USING gin (holds) WHERE state = 'alive' AND holds <> '{}';
CREATE INDEX customer_by_package ON customer (package_id, created_at DESC, id DESC) WHERE state = 'alive';
CREATE INDEX customer_postponed ON customer (lift_suspension_until) WHERE lift_suspension_until IS NOT NULL;
CREATE INDEX customer_expiring ON customer (expires_at) WHERE state = 'alive' AND activated_at IS NOT NULL;
CREATE INDEX customer_search ON customer USING gin (search gin_trgm_ops) WHERE state = 'alive';
CREATE INDEX customer_deleted_search ON customer USING gin (search gin_trgm_ops) WHERE state = 'deleted';

CREATE TABLE account (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customer,
    name text NOT NULL,
    service_type text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'stopped', 'closed')),
    closed_by_deletion boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE INDEX account_of_customer ON account (customer_id);

CREATE TABLE hold (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customer,
    kind text NOT NULL CHECK (kind IN ('admin', 'fraud', 'vacation', 'overdue', 'credit', 'funds', 'spending',
        'fair_use', 'reseller', 'payment_frozen', 'export', 'terminated')),
    reason text,
    -- The branch of who set it; null for the system's own. Only that branch, or one above, lifts it.
    owner_path text COLLATE "C",
    since timestamptz NOT NULL DEFAULT now(),
    until timestamptz,
    actor text NOT NULL,
    lifted_at timestamptz,
    lifted_by text
);
CREATE UNIQUE INDEX hold_in_force ON hold (customer_id, kind) WHERE lifted_at IS NULL;
CREATE INDEX hold_aging ON hold (kind, since) WHERE lifted_at IS NULL;
CREATE INDEX hold_ending ON hold (until) WHERE lifted_at IS NULL AND until IS NOT NULL;
CREATE INDEX hold_of_customer ON hold (customer_id);

CREATE TABLE status_change (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customer,
    status text NOT NULL,
    reason text,
    since timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL
);
CREATE INDEX status_change_of_customer ON status_change (customer_id, since DESC, id DESC);

CREATE TABLE retention_policy (
    reason text PRIMARY KEY,
    retain_days int CHECK (retain_days >= 0),
    mode text NOT NULL DEFAULT 'pseudonymise' CHECK (mode IN ('pseudonymise', 'everything')),
    updated_at timestamptz NOT NULL DEFAULT now()
);
-- Null days: never by itself. Five years is what telecom bookkeeping rules mostly ask for.
INSERT INTO retention_policy (reason, retain_days) VALUES
    ('closed_account', 1825), ('migrated_away', 1825), ('wrong_entry', 30), ('test_account', 7), ('operator_error', NULL);

CREATE TABLE erasure (
    id uuid PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('cooling', 'awaiting_approval', 'running', 'done', 'cancelled', 'refused')),
    mode text NOT NULL CHECK (mode IN ('pseudonymise', 'everything')),
    legal_basis text NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    requested_by text NOT NULL,
    requested_by_id uuid,
    requested_at timestamptz NOT NULL DEFAULT now(),
    approved_by text,
    approved_at timestamptz,
    runs_at timestamptz NOT NULL DEFAULT now(),
    total int NOT NULL,
    done int NOT NULL DEFAULT 0,
    refused int NOT NULL DEFAULT 0,
    finished_at timestamptz
);
CREATE INDEX erasure_listed ON erasure (requested_at DESC, id DESC);
CREATE INDEX erasure_due ON erasure (runs_at) WHERE state IN ('cooling', 'running');

CREATE TABLE erasure_subject (
    erasure_id uuid NOT NULL REFERENCES erasure,
    customer_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'erasing', 'done', 'refused')),
    detail text,
    finished_at timestamptz,
    PRIMARY KEY (erasure_id, customer_id)
);
-- One erasure at a time wins a customer.
CREATE UNIQUE INDEX erasure_subject_winner ON erasure_subject (customer_id) WHERE state IN ('erasing', 'done');

CREATE TABLE erasure_receipt (
    erasure_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    service text NOT NULL,
    rows jsonb NOT NULL,
    digest text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (erasure_id, customer_id, service)
);

CREATE TABLE certificate (
    erasure_id uuid PRIMARY KEY,
    operator_path text COLLATE "C" NOT NULL,
    document jsonb NOT NULL,
    signature text NOT NULL,
    kid text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

-- What must never come back: keyed digests, checked against imports, late events and restored backups.
CREATE TABLE tombstone (
    digest text PRIMARY KEY,
    erasure_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE preference (
    operator_id uuid NOT NULL,
    table_name text NOT NULL,
    value jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (operator_id, table_name)
);
