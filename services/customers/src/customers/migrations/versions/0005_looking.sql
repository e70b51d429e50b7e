-- Who looked at personal data, or fetched a file of it. A year, then it goes.
CREATE TABLE access_log (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    actor_id uuid,
    -- The actor's branch.
    operator_path text COLLATE "C" NOT NULL,
    ip text,
    request_id text,
    -- What was looked at: a page of the API, and whose record it was, if one alone.
    what text NOT NULL,
    subject uuid,
    -- Records shown, or rows of the file.
    records bigint NOT NULL
);
CREATE INDEX access_log_at ON access_log (at DESC, id DESC);
CREATE INDEX access_log_path ON access_log (operator_path, at DESC, id DESC);
CREATE INDEX access_log_subject ON access_log (subject, at DESC, id DESC) WHERE subject IS NOT NULL;
CREATE INDEX access_log_actor ON access_log (actor, at DESC, id DESC);

-- The head of each service's operations log, once a day, signed: who can rewrite a log cannot sign.
CREATE TABLE chain_head (
    id uuid PRIMARY KEY,
    service text NOT NULL,
    position bigint NOT NULL,
    hash text NOT NULL,
    -- Whether the head before it still stood in the chain when this one was taken; null: it was the first.
    former_fits boolean,
    at timestamptz NOT NULL DEFAULT now(),
    kid text NOT NULL,
    -- A compact JWS over service, position, hash and at.
    token text NOT NULL
);
CREATE INDEX chain_head_of_service ON chain_head (service, at DESC);

ALTER TABLE export DROP CONSTRAINT export_format_check;
ALTER TABLE export ADD CONSTRAINT export_format_check CHECK (format IN ('csv', 'xlsx', 'parquet', 'zip'));
CREATE INDEX export_of_subject ON export ((params ->> 'customer_id')) WHERE params ? 'customer_id';
