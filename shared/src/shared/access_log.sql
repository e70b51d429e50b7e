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
