-- Whether cut-offs are held back. 2000 in a minute is more than a day's ordinary ones at 100,000
-- customers; 100 a second is what a NAS and its RADIUS server take of people who dial in again.
CREATE TABLE storm (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    state text NOT NULL DEFAULT 'calm' CHECK (state IN ('calm', 'pacing', 'released', 'stopped')),
    since timestamptz NOT NULL DEFAULT now(),
    decided_by text,
    threshold int NOT NULL DEFAULT 2000 CHECK (threshold > 0),
    window_seconds int NOT NULL DEFAULT 60 CHECK (window_seconds > 0),
    per_second double precision NOT NULL DEFAULT 100 CHECK (per_second > 0),
    tokens double precision NOT NULL DEFAULT 0,
    refilled_at timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL DEFAULT 1
);
INSERT INTO storm DEFAULT VALUES;

-- Counting the newest cut-offs stops at the threshold.
CREATE INDEX disconnect_order_cuts ON disconnect_order (created_at)
    WHERE (kind = 'disconnect' OR change = 'wall') AND reason <> 'operator';
-- What is due of each NAS, cut-offs and the rest apart: neither has to be read past to get at the other.
CREATE INDEX disconnect_order_cuts_due ON disconnect_order (nas_address, not_before)
    WHERE (kind = 'disconnect' OR change = 'wall') AND reason <> 'operator'
        AND state IN ('due', 'sent', 'deferred');
CREATE INDEX disconnect_order_others_due ON disconnect_order (nas_address, not_before)
    WHERE NOT ((kind = 'disconnect' OR change = 'wall') AND reason <> 'operator')
        AND state IN ('due', 'sent', 'deferred');
