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
