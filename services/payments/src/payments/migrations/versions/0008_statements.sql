CREATE TABLE statement_import (
    id uuid PRIMARY KEY,
    operator_path text COLLATE "C" NOT NULL,
    -- Whose statement: the bank, or a gateway's settlement.
    source text NOT NULL,
    format text NOT NULL CHECK (format IN ('csv', 'xlsx', 'camt053')),
    sha256 text NOT NULL,
    lines int NOT NULL,
    -- Those that an earlier file had already, and those that went out of the account.
    repeated int NOT NULL DEFAULT 0,
    debits int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    UNIQUE (operator_path, sha256)
);
CREATE INDEX statement_import_listed ON statement_import (created_at, id);

CREATE TABLE statement_line (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    import_id uuid NOT NULL REFERENCES statement_import,
    operator_path text COLLATE "C" NOT NULL,
    source text NOT NULL,
    line int NOT NULL,
    booked_on date NOT NULL,
    -- What the payer paid: the net amount and the fee that was kept.
    amount numeric(18, 4) NOT NULL CHECK (amount > 0),
    fee numeric(18, 4) NOT NULL DEFAULT 0 CHECK (fee >= 0),
    currency text NOT NULL,
    reference text,
    -- What a person needs to match it by hand; gone when somebody named in it is erased.
    description text,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'matched', 'ignored')),
    -- Why it is open: not_in_books (the gateway has it, we do not), amount_differs, ambiguous, unknown.
    exception text CHECK (exception IN ('not_in_books', 'amount_differs', 'ambiguous', 'unknown')),
    payment_id uuid,
    decided_by text,
    decided_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CHECK ((state = 'matched') = (payment_id IS NOT NULL)),
    CHECK (exact(amount, currency) AND exact(fee, currency))
);
CREATE INDEX statement_line_open ON statement_line (booked_on, id) WHERE state = 'open';
CREATE INDEX statement_line_listed ON statement_line (booked_on, id);
CREATE INDEX statement_line_of_branch ON statement_line (operator_path, booked_on, id);
CREATE INDEX statement_line_of_import ON statement_line (import_id, line);
-- The money of a payment arrives once, and a line is in the books once, whatever files overlap.
CREATE UNIQUE INDEX statement_line_payment ON statement_line (payment_id) WHERE payment_id IS NOT NULL;
CREATE UNIQUE INDEX statement_line_once ON statement_line (operator_path, source, lower(reference), booked_on, amount, currency) WHERE reference IS NOT NULL;

CREATE INDEX payment_unsettled ON payment (paid_at, id) WHERE settled_at IS NULL AND status <> 'voided' AND method <> 'cash' AND method <> 'recharge_card';
