-- What all cards of a batch have in common, fixed when it is made.
CREATE TABLE card_batch (
    id uuid PRIMARY KEY,
    series int GENERATED ALWAYS AS IDENTITY UNIQUE,
    operator_path text COLLATE "C" NOT NULL,
    operator_id uuid NOT NULL,
    size int NOT NULL CHECK (size > 0),
    value numeric(18, 4) NOT NULL,
    currency text NOT NULL,
    -- What the operator earns when a card is used.
    commission numeric(18, 4) NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    job_id uuid,
    -- The PINs are sealed for who has the passphrase; nothing in this database opens them.
    salt bytea NOT NULL,
    public_key bytea NOT NULL,
    made_at timestamptz,
    sha256 text,
    file_until timestamptz,
    file_removed_at timestamptz,
    expired_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CHECK (value > 0 AND exact(value, currency)),
    CHECK (commission >= 0 AND commission <= value AND exact(commission, currency))
);
CREATE INDEX card_batch_listed ON card_batch (created_at, id);
CREATE INDEX card_batch_of_branch ON card_batch (operator_path, created_at, id);
CREATE INDEX card_batch_living ON card_batch (expires_at) WHERE expired_at IS NULL;
CREATE INDEX card_batch_files ON card_batch (file_until) WHERE file_removed_at IS NULL;

-- A serial is its batch's series (6 digits) and a number (7 digits); it tells nothing about the PIN.
CREATE TABLE recharge_card (
    serial text COLLATE "C" PRIMARY KEY,
    batch_id uuid NOT NULL REFERENCES card_batch,
    operator_path text COLLATE "C" NOT NULL,
    state text NOT NULL DEFAULT 'unissued' CHECK (state IN ('unissued', 'issued', 'used', 'expired', 'void', 'blocked')),
    pin_digest bytea NOT NULL,
    issued_at timestamptz,
    used_at timestamptz,
    customer_id uuid,
    payment_id uuid,
    CHECK ((state = 'used') = (used_at IS NOT NULL))
);
CREATE UNIQUE INDEX recharge_card_pin ON recharge_card (pin_digest);
CREATE INDEX recharge_card_of_branch ON recharge_card (operator_path, serial);
CREATE INDEX recharge_card_by_state ON recharge_card (state, serial);
CREATE INDEX recharge_card_of_customer ON recharge_card (customer_id) WHERE customer_id IS NOT NULL;

-- Attempts at PINs, by keyed digests of customer, operator and address: nobody can be read out of it.
CREATE TABLE card_guard (
    kind text NOT NULL CHECK (kind IN ('customer', 'operator', 'address')),
    who bytea NOT NULL,
    failures int NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    locks int NOT NULL DEFAULT 0,
    locked_until timestamptz,
    PRIMARY KEY (kind, who)
);

-- A card of the customer's operator or of one above is used once, by whoever comes first. As the
-- owner: the card may belong to an operator above the caller, who sees only the own branch.
CREATE FUNCTION use_card(digest bytea, customer uuid, path text, wanted_currency text, payment uuid)
RETURNS TABLE (serial text, operator_id uuid, value numeric, commission numeric)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE recharge_card c SET state = 'used', used_at = now(), customer_id = customer, payment_id = payment
    FROM card_batch b
    WHERE c.pin_digest = digest AND c.state = 'issued' AND b.id = c.batch_id AND b.expires_at > now()
      AND b.currency = wanted_currency AND starts_with(path, c.operator_path)
    RETURNING c.serial, b.operator_id, b.value, b.commission
$$;
REVOKE EXECUTE ON FUNCTION use_card(bytea, uuid, text, text, uuid) FROM PUBLIC;

CREATE INDEX customer_fact_username ON customer_fact (username);

-- commission: what sales cost; commission_due: what `holder` has earned.
ALTER TABLE ledger_transaction DROP CONSTRAINT ledger_transaction_kind_check;
ALTER TABLE ledger_transaction ADD CONSTRAINT ledger_transaction_kind_check CHECK (kind IN (
    'bill', 'bill_void', 'payment', 'payment_void', 'refund', 'allocation', 'release',
    'adjustment', 'credit_note', 'write_off', 'credit_reversal', 'commission', 'commission_reversal'));
CREATE INDEX ledger_commissions ON ledger_transaction (payment_id) WHERE kind IN ('commission', 'commission_reversal');
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_account_check;
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_account_check CHECK (account IN (
    'receivable', 'credit', 'cash', 'revenue', 'bad_debt', 'commission', 'commission_due'));
