-- Executed by a migration of each service. What the relay has not handed over yet, oldest first: narrow
-- rows that come and go, so that an event is written once and never again.
DROP INDEX outbox_unsent;
CREATE TABLE outbox_unsent (
    position bigint PRIMARY KEY,
    -- The event; it may be gone when its subject was erased first.
    id uuid NOT NULL
);
ALTER TABLE outbox_unsent SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
INSERT INTO outbox_unsent SELECT position, id FROM outbox WHERE sent_at IS NULL;
ALTER TABLE outbox DROP COLUMN sent_at;
ALTER TABLE outbox RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, fillfactor);
