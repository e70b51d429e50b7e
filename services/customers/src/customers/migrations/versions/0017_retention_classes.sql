-- Null: for as long as the person. Never longer.
ALTER TABLE retention_policy ADD COLUMN sessions_days int CHECK (sessions_days >= 0),
    ADD CONSTRAINT sessions_before_person CHECK (sessions_days <= retain_days);
-- When the sessions of a deleted customer go, and up to when they have been given up.
ALTER TABLE customer ADD COLUMN sessions_erase_after timestamptz,
    ADD COLUMN sessions_erased_before timestamptz;
CREATE INDEX customer_sessions_due ON customer (sessions_erase_after, id)
    WHERE state = 'deleted' AND sessions_erase_after IS NOT NULL;

-- A claim, and the receipt of radius-sync: the proof.
CREATE TABLE session_erasure (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customer,
    mode text NOT NULL CHECK (mode IN ('pseudonymise', 'everything')),
    before timestamptz NOT NULL,
    rows jsonb,
    digest text,
    erased_at timestamptz
);
CREATE INDEX session_erasure_customer ON session_erasure (customer_id, before);
CREATE INDEX session_erasure_unanswered ON session_erasure (before) WHERE erased_at IS NULL;
