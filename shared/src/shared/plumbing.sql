-- The tables that every service has: events out and in, jobs, the operations log, idempotency, ticks.
-- Executed by the first migration of each service.

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    -- Feed order is (xid, position): a row that becomes visible later has a larger xid than all
    -- that were below the oldest open transaction before. A sequence alone would skip late commits.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    position bigint GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    subject uuid NOT NULL,
    sequence bigint NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL DEFAULT 'system',
    request_id text,
    data jsonb NOT NULL,
    sent_at timestamptz
);
CREATE INDEX outbox_unsent ON outbox (position) WHERE sent_at IS NULL;
CREATE UNIQUE INDEX outbox_feed ON outbox (xid, position);
CREATE INDEX outbox_subject ON outbox (subject, sequence);
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500, fillfactor = 80);

CREATE TABLE feed_cursor (
    source text PRIMARY KEY,
    cursor text NOT NULL DEFAULT '0.0',
    walked_at timestamptz NOT NULL DEFAULT now(),
    error text
);

CREATE TABLE dead_letter (
    event_id uuid PRIMARY KEY,
    source text NOT NULL,
    type text NOT NULL,
    subject uuid NOT NULL,
    event jsonb NOT NULL,
    error text NOT NULL,
    attempts int NOT NULL DEFAULT 1,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'replayed', 'skipped'))
);
CREATE INDEX dead_letter_open ON dead_letter (last_at DESC, event_id DESC) WHERE state = 'dead';
CREATE INDEX dead_letter_subject ON dead_letter (subject);

CREATE TABLE tick (
    name text NOT NULL,
    slot bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    result jsonb,
    PRIMARY KEY (name, slot)
);

CREATE TABLE worker_heartbeat (
    name text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    progressed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE idempotency (
    principal text NOT NULL,
    key text NOT NULL,
    route text NOT NULL,
    fingerprint text NOT NULL,
    subject uuid,
    status int,
    headers jsonb,
    body jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_created ON idempotency (created_at);
CREATE INDEX idempotency_subject ON idempotency (subject) WHERE subject IS NOT NULL;

CREATE TABLE job (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled')),
    params jsonb NOT NULL DEFAULT '{}',
    operator_path text COLLATE "C" NOT NULL,
    actor text NOT NULL,
    actor_id uuid,
    total bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    lease_until timestamptz,
    attempts int NOT NULL DEFAULT 0,
    error text,
    result jsonb,
    undoes uuid
);
CREATE INDEX job_due ON job (created_at) WHERE state IN ('queued', 'running');
CREATE INDEX job_listed ON job (created_at DESC, id DESC);
CREATE INDEX job_undoing ON job (undoes) WHERE undoes IS NOT NULL;

CREATE TABLE job_row (
    job_id uuid NOT NULL REFERENCES job ON DELETE CASCADE,
    position bigint NOT NULL,
    subject uuid NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'failed', 'skipped')),
    verdict jsonb,
    PRIMARY KEY (job_id, position)
);
CREATE INDEX job_row_pending ON job_row (job_id, position) WHERE state = 'pending';
CREATE INDEX job_row_subject ON job_row (subject);

-- The operations log. A row never changes; what names a person lies in `operation_detail`, which
-- erasure removes without breaking the chain, since the chain holds only its salted digest.
CREATE TABLE operation (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    actor_id uuid,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject uuid,
    operator_path text COLLATE "C" NOT NULL,
    ip text,
    request_id text,
    detail_digest text NOT NULL
);
CREATE INDEX operation_at ON operation (at DESC, id DESC);
CREATE INDEX operation_of_subject ON operation (subject, at DESC);
CREATE INDEX operation_path ON operation (operator_path, at DESC);

CREATE TABLE operation_detail (
    operation_id uuid PRIMARY KEY REFERENCES operation DEFERRABLE INITIALLY DEFERRED,
    subject uuid,
    salt text NOT NULL,
    before jsonb,
    after jsonb,
    reason text
);
CREATE INDEX operation_detail_subject ON operation_detail (subject);

CREATE TABLE operation_seal (
    position bigint PRIMARY KEY,
    operation_id uuid NOT NULL UNIQUE,
    hash text NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT now()
);

-- plpgsql, not sql: these cannot be inlined, and a sql function starts an executor at each call.
-- JSON arrays, so that no text can be moved from one field into its neighbour.
CREATE FUNCTION operation_digest(salt text, before jsonb, after jsonb, reason text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN encode(sha256(convert_to(jsonb_build_array(salt, before, after, reason)::text, 'UTF8')), 'hex');
END $$;

CREATE FUNCTION operation_hash(previous text, o operation) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN encode(sha256(convert_to(jsonb_build_array(previous, o.id, o.at AT TIME ZONE 'UTC', o.actor,
        o.actor_id, o.action, o.subject_kind, o.subject, o.operator_path, o.ip, o.request_id,
        o.detail_digest)::text, 'UTF8')), 'hex');
END $$;

-- Chains what is committed and not yet sealed. One caller at a time; cheap when nothing is new.
CREATE FUNCTION operation_seal_new(most int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    o operation; head record; sealed int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('operation_seal'));
    SELECT position, hash INTO head FROM operation_seal ORDER BY position DESC LIMIT 1;
    IF NOT FOUND THEN
        SELECT 0::bigint AS position, '' AS hash INTO head;
    END IF;
    FOR o IN
        SELECT operation.* FROM (SELECT * FROM operation_unsealed ORDER BY arrival LIMIT most) u
        JOIN operation ON operation.id = u.operation_id ORDER BY u.arrival
    LOOP
        head.position := head.position + 1;
        head.hash := operation_hash(head.hash, o);
        INSERT INTO operation_seal (position, operation_id, hash) VALUES (head.position, o.id, head.hash);
        sealed := sealed + 1;
    END LOOP;
    DELETE FROM operation_unsealed WHERE arrival IN (SELECT arrival FROM operation_unsealed
        JOIN operation_seal USING (operation_id) ORDER BY arrival LIMIT most);
    RETURN sealed;
END $$;

-- What waits for its seal: a short list, so that finding it never reads the log.
CREATE TABLE operation_unsealed (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation_id uuid NOT NULL UNIQUE
);
CREATE FUNCTION operation_awaits_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO operation_unsealed (operation_id) SELECT id FROM added;
    RETURN NULL;
END $$;
CREATE TRIGGER operation_awaits_seal AFTER INSERT ON operation
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION operation_awaits_seal();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER operation_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON operation
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER operation_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON operation_seal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Files made for an operator, and what is known of them; the file goes by time and by erasure.
CREATE TABLE export (
    id uuid PRIMARY KEY,
    job_id uuid NOT NULL,
    resource text NOT NULL,
    format text NOT NULL CHECK (format IN ('csv', 'xlsx', 'parquet')),
    operator_path text COLLATE "C" NOT NULL,
    operator_id uuid,
    params jsonb NOT NULL,
    path text,
    manifest jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE INDEX export_listed ON export (created_at DESC, id DESC);
CREATE INDEX export_expiring ON export (expires_at) WHERE removed_at IS NULL;

-- Operators and API keys as the customers service tells of them (customers itself holds the originals).
CREATE TABLE operator_fact (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    username text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    active boolean NOT NULL,
    holds text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX operator_fact_path ON operator_fact (operator_path);

CREATE TABLE api_key_fact (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    digest text NOT NULL UNIQUE,
    operator_id uuid NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    operator_username text NOT NULL,
    role text NOT NULL,
    scopes text[] NOT NULL,
    expires_at timestamptz,
    revoked boolean NOT NULL
);
