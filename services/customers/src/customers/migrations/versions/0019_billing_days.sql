-- Null: it stays without a person (`pseudonymise`), or goes with the person (`everything`).
ALTER TABLE retention_policy ADD COLUMN billing_days int CHECK (billing_days >= 0),
    ADD CONSTRAINT billing_after_person CHECK (billing_days >= retain_days),
    ADD CONSTRAINT billing_of_nobody CHECK (billing_days IS NULL OR mode = 'pseudonymise');

-- When payments was asked to remove it, and its receipt: the proof.
ALTER TABLE erasure_subject ADD COLUMN billing_asked_at timestamptz,
    ADD COLUMN billing_erased_at timestamptz,
    ADD COLUMN billing_rows jsonb,
    ADD COLUMN billing_digest text;
CREATE INDEX erasure_subject_billing ON erasure_subject (customer_id)
    WHERE state = 'done' AND billing_asked_at IS NULL;
CREATE INDEX erasure_subject_unanswered ON erasure_subject (billing_asked_at)
    WHERE billing_asked_at IS NOT NULL AND billing_erased_at IS NULL;
