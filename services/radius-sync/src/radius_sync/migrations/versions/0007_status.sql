-- Where the RADIUS server of a target is asked (RFC 5997), and what it said. `skew` is how many
-- seconds its clock is ahead of ours; null when it does not tell the time, as a stock one does not.
ALTER TABLE target
    ADD COLUMN radius_address inet,
    ADD COLUMN radius_port int CHECK (radius_port BETWEEN 1 AND 65535),
    ADD COLUMN radius_secret_sealed text,
    ADD COLUMN radius_state text NOT NULL DEFAULT 'unknown'
        CHECK (radius_state IN ('unknown', 'answering', 'silent')),
    ADD COLUMN radius_skew double precision,
    ADD COLUMN radius_seen_at timestamptz,
    ADD COLUMN radius_asked_at timestamptz;
