-- Whether a payment settled what was overdue, and when radius-sync let its customer in again.
ALTER TABLE gateway_transaction ADD COLUMN lifts boolean NOT NULL DEFAULT false;
ALTER TABLE gateway_transaction ADD COLUMN online_at timestamptz;
CREATE INDEX gateway_transaction_awaited ON gateway_transaction (credited_at) WHERE lifts AND online_at IS NULL;
