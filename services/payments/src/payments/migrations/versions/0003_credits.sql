-- Money that nobody paid and nobody owes: given to a customer (adjustment), taken off one bill
-- (credit_note), given up (write_off). Matched to bills as payments are; never a line of the payments log.
CREATE TABLE credit (
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('adjustment', 'credit_note', 'write_off')),
    customer_id uuid NOT NULL REFERENCES account,
    operator_path text COLLATE "C" NOT NULL,
    -- The bill that a credit note belongs to.
    bill_id uuid REFERENCES bill,
    amount numeric(18, 4) NOT NULL,
    reversed numeric(18, 4) NOT NULL DEFAULT 0,
    allocated numeric(18, 4) NOT NULL DEFAULT 0,
    currency text NOT NULL,
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    operator_id uuid,
    operator_name text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CHECK (amount > 0 AND exact(amount, currency)),
    CHECK (reversed >= 0 AND allocated >= 0 AND reversed + allocated <= amount),
    CHECK (exact(reversed, currency) AND exact(allocated, currency)),
    CHECK ((kind = 'credit_note') = (bill_id IS NOT NULL))
);
CREATE INDEX credit_listed ON credit (created_at, id);
CREATE INDEX credit_of_branch ON credit (operator_path, created_at, id);
CREATE INDEX credit_of_customer ON credit (customer_id, created_at, id);
CREATE INDEX credit_of_bill ON credit (bill_id) WHERE bill_id IS NOT NULL;
CREATE INDEX credit_unallocated ON credit (customer_id) WHERE amount - reversed - allocated > 0;

CREATE TABLE credit_allocation (
    credit_id uuid NOT NULL REFERENCES credit,
    bill_id uuid NOT NULL REFERENCES bill,
    amount numeric(18, 4) NOT NULL CHECK (amount > 0),
    PRIMARY KEY (credit_id, bill_id)
);
CREATE INDEX credit_allocation_of_bill ON credit_allocation (bill_id);

-- bad_debt: what was billed and will never be paid.
ALTER TABLE ledger_transaction ADD COLUMN credit_id uuid;
ALTER TABLE ledger_transaction DROP CONSTRAINT ledger_transaction_kind_check;
ALTER TABLE ledger_transaction ADD CONSTRAINT ledger_transaction_kind_check CHECK (kind IN (
    'bill', 'bill_void', 'payment', 'payment_void', 'refund', 'allocation', 'release',
    'adjustment', 'credit_note', 'write_off', 'credit_reversal'));
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_account_check;
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_account_check CHECK (account IN (
    'receivable', 'credit', 'cash', 'revenue', 'bad_debt'));
