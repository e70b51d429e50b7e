ALTER TABLE erasure
    -- Who began it: a person, the retention clock, or a receipt that a restored backup knew nothing of.
    ADD COLUMN source text NOT NULL DEFAULT 'request' CHECK (source IN ('request', 'retention', 'replay')),
    ADD COLUMN cancelled_by text,
    ADD COLUMN exports_removed int NOT NULL DEFAULT 0,
    ADD COLUMN searched_at timestamptz,
    -- What the search for leftovers found, once it ran.
    ADD COLUMN leftovers jsonb;
CREATE INDEX erasure_by_state ON erasure (state, requested_at DESC, id DESC);

CREATE INDEX erasure_subject_waiting ON erasure_subject (erasure_id, customer_id) WHERE state = 'waiting';
-- Claimed, and not yet removed here.
ALTER TABLE erasure_subject ADD COLUMN removed boolean NOT NULL DEFAULT false;
CREATE INDEX erasure_subject_claimed ON erasure_subject (erasure_id, customer_id)
    WHERE state = 'erasing' AND NOT removed;
CREATE INDEX erasure_subject_open ON erasure_subject (erasure_id) WHERE state IN ('waiting', 'erasing');
CREATE INDEX erasure_subject_of_customer ON erasure_subject (customer_id);

-- What to look for afterwards: names, logins, addresses of the erased, sealed, and gone with the certificate.
CREATE TABLE erasure_needle (
    erasure_id uuid NOT NULL REFERENCES erasure,
    customer_id uuid NOT NULL,
    sealed text NOT NULL,
    PRIMARY KEY (erasure_id, customer_id)
);

CREATE INDEX customer_held_by_law ON customer (id)
    WHERE legal_hold IS NOT NULL;

-- Views of a table: an operator's own, or shared with the branch below.
CREATE TABLE saved_view (
    id uuid PRIMARY KEY,
    table_name text NOT NULL,
    name text NOT NULL,
    operator_id uuid NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    shared boolean NOT NULL DEFAULT false,
    value jsonb NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX saved_view_name ON saved_view (operator_id, table_name, name);
CREATE INDEX saved_view_of_table ON saved_view (table_name, operator_path);

-- A file that was sent, row by row, until its job is over and its report is read.
CREATE TABLE import (
    id uuid PRIMARY KEY,
    job_id uuid NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    operator_id uuid,
    format text NOT NULL CHECK (format IN ('csv', 'xlsx')),
    mapping jsonb NOT NULL,
    dry_run boolean NOT NULL,
    rows int NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- The rows name people: they go when the report had its time.
    expires_at timestamptz NOT NULL
);
CREATE INDEX import_listed ON import (created_at DESC, id DESC);
CREATE INDEX import_expiring ON import (expires_at);
CREATE TABLE import_row (
    import_id uuid NOT NULL REFERENCES import ON DELETE CASCADE,
    -- The job's subject: no customer has it before the row is taken.
    id uuid PRIMARY KEY,
    line int NOT NULL,
    fields jsonb NOT NULL,
    customer_id uuid
);
CREATE INDEX import_row_of_import ON import_row (import_id, line);
CREATE INDEX import_row_of_customer ON import_row (customer_id) WHERE customer_id IS NOT NULL;

ALTER TABLE retention_policy ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE preference ADD COLUMN version bigint NOT NULL DEFAULT 1;
