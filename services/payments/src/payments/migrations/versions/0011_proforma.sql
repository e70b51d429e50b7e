-- When the running period of a customer ends, and which end the next period was announced for.
ALTER TABLE customer_fact ADD COLUMN activated boolean NOT NULL DEFAULT false;
ALTER TABLE customer_fact ADD COLUMN expires_at timestamptz;
ALTER TABLE customer_fact ADD COLUMN announced_for timestamptz;
UPDATE customer_fact f SET activated = true, expires_at = v.period_end
FROM (SELECT customer_id, max(period_end) AS period_end FROM activation GROUP BY 1) v
WHERE v.customer_id = f.id AND v.period_end > now() AND f.standing = 'customer' AND f.erased_at IS NULL;
CREATE INDEX customer_fact_ending ON customer_fact (expires_at)
    WHERE activated AND erased_at IS NULL AND announced_for IS DISTINCT FROM expires_at;

-- The bill of the next period, announced before it begins: no ledger entry, until a bill takes its place.
CREATE TABLE proforma (
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    customer_id uuid NOT NULL REFERENCES account,
    operator_path text COLLATE "C" NOT NULL,
    currency text NOT NULL,
    total numeric(18, 4) NOT NULL,
    package_id uuid NOT NULL,
    -- The name of the package.
    description text NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    -- replaced: by one of another package; withdrawn: the customer left; lapsed: its period went by.
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'issued', 'replaced', 'withdrawn', 'lapsed')),
    bill_id uuid,
    announced_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CHECK (total > 0 AND exact(total, currency)),
    CHECK (period_end > period_start),
    CHECK ((state = 'open') = (ended_at IS NULL)),
    CHECK ((state = 'issued') = (bill_id IS NOT NULL))
);
CREATE UNIQUE INDEX proforma_standing ON proforma (customer_id) WHERE state = 'open';
CREATE UNIQUE INDEX proforma_bill ON proforma (bill_id) WHERE bill_id IS NOT NULL;
CREATE INDEX proforma_ending ON proforma (period_end) WHERE state = 'open';
CREATE INDEX proforma_listed ON proforma (announced_at, id);
CREATE INDEX proforma_of_branch ON proforma (operator_path, announced_at, id);
CREATE INDEX proforma_of_customer ON proforma (customer_id, announced_at, id);
CREATE INDEX proforma_by_state ON proforma (state, announced_at, id);
