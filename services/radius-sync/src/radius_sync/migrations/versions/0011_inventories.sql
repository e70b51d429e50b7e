-- Where a NAS lists its live sessions, and what became of the last question.
ALTER TABLE nas_device
    ADD COLUMN sessions_url text,
    ADD COLUMN sessions_token_sealed text,
    ADD COLUMN sessions_state text NOT NULL DEFAULT 'unknown'
        CHECK (sessions_state IN ('unknown', 'listed', 'silent')),
    ADD COLUMN sessions_listed int,
    ADD COLUMN sessions_listed_at timestamptz,
    ADD COLUMN sessions_error text;

-- A session of which NAS and accounting tell different things, since the first look that saw it: one
-- that has just begun or ended is no drift, its packet is on its way.
CREATE TABLE session_apart (
    nas_id uuid NOT NULL REFERENCES nas_device ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('session_unknown_to_nas', 'session_unknown_to_accounting')),
    -- acctuniqueid of the one kind, acctsessionid of the other
    session text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (nas_id, kind, session)
);

-- The NAS lists the session, accounting knows nothing of it: no row there says that it has ended.
ALTER TABLE disconnect_order ADD COLUMN unaccounted boolean NOT NULL DEFAULT false;
