-- What the search for leftovers found in Redis or in a log keeps the certificate back.
ALTER TABLE erasure
    -- When it is due to be searched for, again if something was found.
    ADD COLUMN search_at timestamptz NOT NULL DEFAULT now(),
    -- Who takes what was found as it stands, when and why.
    ADD COLUMN accepted jsonb;
