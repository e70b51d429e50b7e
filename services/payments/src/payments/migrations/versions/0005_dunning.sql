-- The working days of the ISP. Without rows here every day is one.
CREATE TABLE calendar (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- ISO 8601: Monday is 1, Sunday is 7.
    weekend int[] NOT NULL DEFAULT '{}' CHECK (weekend <@ ARRAY[1, 2, 3, 4, 5, 6, 7] AND cardinality(weekend) < 7),
    time_zone text NOT NULL DEFAULT 'UTC',
    version bigint NOT NULL DEFAULT 1
);
INSERT INTO calendar DEFAULT VALUES;
CREATE TABLE holiday (
    day date PRIMARY KEY,
    name text NOT NULL
);

CREATE FUNCTION working_day(at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (SELECT FROM calendar c WHERE extract(isodow FROM at AT TIME ZONE c.time_zone)::int = ANY(c.weekend)
        OR EXISTS (SELECT FROM holiday h WHERE h.day = (at AT TIME ZONE c.time_zone)::date))
$$;

-- By class of customers (customers owns the classes); the row without a class is for all others.
CREATE TABLE dunning_policy (
    class_id uuid UNIQUE NULLS NOT DISTINCT,
    grace_days int NOT NULL CHECK (grace_days BETWEEN 0 AND 365),
    -- Days after the due date, negative before it, on which a customer is reminded.
    remind_days int[] NOT NULL DEFAULT '{}',
    promise_days int NOT NULL CHECK (promise_days BETWEEN 0 AND 90),
    promises_a_quarter int NOT NULL CHECK (promises_a_quarter BETWEEN 0 AND 90),
    version bigint NOT NULL DEFAULT 1
);

ALTER TABLE customer_fact ADD COLUMN class_id uuid;

-- `overdue` is what cuts off. It turns true on a working day only, and not while a promise stands.
ALTER TABLE account ADD COLUMN promised_until timestamptz;
ALTER TABLE account DROP CONSTRAINT account_check1;
ALTER TABLE account ADD CONSTRAINT account_overdue CHECK (NOT overdue OR overdue_amount > 0);
CREATE INDEX account_late ON account (customer_id) WHERE overdue_amount > 0 AND NOT overdue AND promised_until IS NULL;

CREATE TABLE promise (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES account,
    operator_path text COLLATE "C" NOT NULL,
    amount numeric(18, 4) NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    until timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'kept', 'broken', 'withdrawn')),
    note text,
    operator_id uuid,
    operator_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CHECK (exact(amount, currency)),
    CHECK ((state = 'open') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX promise_standing ON promise (customer_id) WHERE state = 'open';
CREATE INDEX promise_ending ON promise (until) WHERE state = 'open';
CREATE INDEX promise_of_customer ON promise (customer_id, created_at, id);
CREATE INDEX promise_listed ON promise (created_at, id);
CREATE INDEX promise_of_branch ON promise (operator_path, created_at, id);

-- Each bill and day of the policy once; the event is its delivery.
CREATE TABLE reminder (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    bill_id uuid NOT NULL REFERENCES bill ON DELETE CASCADE,
    day int NOT NULL,
    customer_id uuid NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (bill_id, day)
);
CREATE INDEX reminder_listed ON reminder (at, id);
CREATE INDEX reminder_of_branch ON reminder (operator_path, at, id);
CREATE INDEX reminder_of_customer ON reminder (customer_id, at, id);
CREATE INDEX bill_reminding ON bill (due_at) WHERE status IN ('open', 'partly_paid', 'overdue');
