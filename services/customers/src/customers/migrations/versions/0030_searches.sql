ALTER TABLE erasure ADD COLUMN search_asked_at timestamptz;
CREATE TABLE erasure_search (
    erasure_id uuid NOT NULL REFERENCES erasure,
    service text NOT NULL,
    -- As the service's ErasureSearched says it.
    found jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (erasure_id, service)
);
