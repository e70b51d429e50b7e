CREATE TABLE webhook_endpoint (
    id uuid PRIMARY KEY,
    operator_id uuid NOT NULL REFERENCES operator,
    -- What happens in this branch is sent.
    operator_path text COLLATE "C" NOT NULL,
    url text NOT NULL,
    description text NOT NULL DEFAULT '',
    -- Empty: every type.
    types text[] NOT NULL DEFAULT '{}',
    secret_sealed text NOT NULL,
    -- The secret before the last rotation signs too until then.
    previous_sealed text,
    previous_until timestamptz,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'disabled')),
    -- One failure after another since then; the next try of any delivery not before `resting_until`.
    failures int NOT NULL DEFAULT 0,
    failing_since timestamptz,
    resting_until timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhook_endpoint_listed ON webhook_endpoint (created_at DESC, id DESC);

-- No payload: it is read from the outbox of `source` when it is sent, so that what was erased is gone.
CREATE TABLE webhook_delivery (
    id uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE,
    -- The endpoint's.
    operator_path text COLLATE "C" NOT NULL,
    source text NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    subject uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'delivered', 'dead', 'gone')),
    attempts int NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz,
    last_status int,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery (endpoint_id, event_id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, due_at) WHERE state = 'due';
CREATE INDEX webhook_delivery_listed ON webhook_delivery (endpoint_id, occurred_at DESC, id DESC);
CREATE INDEX webhook_delivery_subject ON webhook_delivery (subject);
CREATE INDEX webhook_delivery_old ON webhook_delivery (last_at) WHERE state <> 'due';
