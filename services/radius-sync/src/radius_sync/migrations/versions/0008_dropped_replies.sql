-- What came to our ports from (or for) a NAS and was thrown away: forged, late, of another secret.
CREATE TABLE dropped_reply (
    nas_address inet NOT NULL,
    cause text NOT NULL,
    dropped bigint NOT NULL,
    last_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (nas_address, cause)
);
