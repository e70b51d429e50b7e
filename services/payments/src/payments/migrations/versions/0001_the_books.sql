CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- ISO 4217: the same table as payments/money.py; a test compares the two.
CREATE FUNCTION minor_units(currency text) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
        WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
        WHEN currency IN ('CLF', 'UYW') THEN 4
        ELSE 2 END
$$;
CREATE FUNCTION exact(amount numeric, currency text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT amount = round(amount, minor_units(currency))
$$;

-- ---------------------------------------------------------------- what customers tells
CREATE TABLE customer_fact (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    customer_number text NOT NULL,
    name text NOT NULL,
    username text NOT NULL,
    phone text,
    operator_id uuid NOT NULL,
    operator_name text NOT NULL,
    package_id uuid,
    standing text NOT NULL,
    holds text[] NOT NULL DEFAULT '{}',
    balance_control text NOT NULL,
    currency text NOT NULL,
    credit_limit numeric(18, 4),
    erased_at timestamptz,
    erasure_id uuid,
    -- Folded copy of what a search of payments looks at (E17, E18).
    search text GENERATED ALWAYS AS (lower(name || ' ' || username || ' ' || customer_number || ' ' || coalesce(phone, ''))) STORED
);
CREATE INDEX customer_fact_path ON customer_fact (operator_path, id);
CREATE INDEX customer_fact_search ON customer_fact USING gin (search gin_trgm_ops);

CREATE TABLE package_fact (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    name text NOT NULL,
    price numeric(18, 4) NOT NULL,
    currency text NOT NULL,
    billing_cycle text NOT NULL,
    validity_days int NOT NULL
);

-- Every activation heard, billed once. One whose package is not known yet, or whose billing is
-- paused by an export in progress (C33), waits here.
CREATE TABLE activation (
    customer_id uuid NOT NULL,
    sequence bigint NOT NULL,
    package_id uuid NOT NULL,
    at timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    done_at timestamptz,
    outcome text,
    PRIMARY KEY (customer_id, sequence)
);
CREATE INDEX activation_waiting ON activation (customer_id) WHERE done_at IS NULL;
CREATE INDEX activation_waiting_package ON activation (package_id) WHERE done_at IS NULL;

-- ---------------------------------------------------------------- the ledger
-- Only ever added to. No name, no free text: what says why lies in operation_detail, under erasure.
CREATE TABLE ledger_transaction (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('bill', 'bill_void', 'payment', 'payment_void', 'refund', 'allocation', 'release')),
    bill_id uuid,
    payment_id uuid,
    currency text NOT NULL,
    actor_id uuid,
    effective_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    position bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX ledger_of_customer ON ledger_transaction (customer_id, effective_at, position);
CREATE INDEX ledger_by_time ON ledger_transaction (recorded_at, id);

-- Debit is positive. receivable: what a customer owes; credit: what is owed to the customer;
-- cash: money taken by `holder` (an operator; null for a gateway) with `method`; revenue: what was billed.
CREATE TABLE ledger_entry (
    transaction_id uuid NOT NULL REFERENCES ledger_transaction,
    line smallint NOT NULL,
    customer_id uuid NOT NULL,
    account text NOT NULL CHECK (account IN ('receivable', 'credit', 'cash', 'revenue')),
    amount numeric(18, 4) NOT NULL CHECK (amount <> 0),
    holder uuid,
    method text,
    PRIMARY KEY (transaction_id, line),
    CHECK ((account = 'cash') = (method IS NOT NULL))
);
CREATE INDEX ledger_entry_sums ON ledger_entry (customer_id) INCLUDE (account, amount);

CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    wanted uuid := CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN (to_jsonb(NEW)->>'transaction_id')::uuid ELSE (to_jsonb(NEW)->>'id')::uuid END;
    off numeric; lines int; first_line int; t ledger_transaction;
BEGIN
    SELECT * INTO t FROM ledger_transaction WHERE id = wanted;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT sum(amount), count(*), min(line) INTO off, lines, first_line FROM ledger_entry WHERE transaction_id = wanted;
    IF lines < 2 OR off <> 0 OR first_line <> 1 THEN
        RAISE EXCEPTION 'ledger transaction % does not balance: % entries, off by %', wanted, lines, off USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM ledger_entry WHERE transaction_id = wanted AND (customer_id <> t.customer_id OR NOT exact(amount, t.currency))) THEN
        RAISE EXCEPTION 'ledger transaction %: an entry of another customer or with a part of a minor unit', wanted USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_transaction_balances AFTER INSERT ON ledger_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balances();
-- Line 1 comes with its transaction, which is checked above; a line added later has another number.
CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.line <> 1) EXECUTE FUNCTION ledger_balances();

-- Nobody changes a ledger row; only erase_ledger() below, as the owner, may remove those of one customer.
CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('tenure.certified_erasure', true) = 'on'
       AND current_user = (SELECT tableowner FROM pg_tables WHERE schemaname = TG_TABLE_SCHEMA AND tablename = TG_TABLE_NAME) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER ledger_transaction_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transaction
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

-- The certified amount of what an erasure of everything took out of the books (A35-A37, decision 1).
CREATE TABLE erased_money (
    erasure_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    currency text NOT NULL,
    month date NOT NULL,
    account text NOT NULL,
    method text NOT NULL,
    amount numeric(18, 4) NOT NULL,
    entries bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (erasure_id, customer_id, month, account, method)
);

CREATE FUNCTION erase_ledger(erasure uuid, customer uuid, path text) RETURNS TABLE (entries bigint, transactions bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO erased_money (erasure_id, customer_id, operator_path, currency, month, account, method, amount, entries)
    SELECT erasure, customer, path, min(t.currency), date_trunc('month', t.effective_at AT TIME ZONE 'UTC')::date,
           e.account, coalesce(e.method, ''), sum(e.amount), count(*)
    FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id
    WHERE e.customer_id = customer GROUP BY 5, 6, 7
    ON CONFLICT DO NOTHING;
    PERFORM set_config('tenure.certified_erasure', 'on', true);
    DELETE FROM ledger_entry e WHERE e.customer_id = customer;
    GET DIAGNOSTICS entries = ROW_COUNT;
    DELETE FROM ledger_transaction t WHERE t.customer_id = customer;
    GET DIAGNOSTICS transactions = ROW_COUNT;
    PERFORM set_config('tenure.certified_erasure', 'off', true);
    RETURN NEXT;
END $$;
REVOKE EXECUTE ON FUNCTION erase_ledger(uuid, uuid, text) FROM PUBLIC;

-- ---------------------------------------------------------------- accounts, bills, payments
-- The sums of a customer's ledger rows, kept in the transaction that adds them; proved every night.
CREATE TABLE account (
    customer_id uuid PRIMARY KEY,
    operator_path text COLLATE "C" NOT NULL,
    currency text NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    billed numeric(18, 4) NOT NULL DEFAULT 0,
    paid numeric(18, 4) NOT NULL DEFAULT 0,
    outstanding numeric(18, 4) NOT NULL DEFAULT 0,
    overdue boolean NOT NULL DEFAULT false,
    overdue_amount numeric(18, 4) NOT NULL DEFAULT 0,
    available_funds numeric(18, 4) NOT NULL DEFAULT 0,
    CHECK (outstanding = billed - paid),
    CHECK (overdue = (overdue_amount > 0))
);
CREATE INDEX account_path ON account (operator_path, customer_id);

CREATE TABLE bill (
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    customer_id uuid NOT NULL REFERENCES account,
    operator_path text COLLATE "C" NOT NULL,
    currency text NOT NULL,
    total numeric(18, 4) NOT NULL,
    paid numeric(18, 4) NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'partly_paid', 'paid', 'overdue', 'void')),
    period_start timestamptz,
    period_end timestamptz,
    issued_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL,
    overdue_at timestamptz,
    voided_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CHECK (total > 0 AND exact(total, currency)),
    CHECK (paid >= 0 AND paid <= total AND exact(paid, currency)),
    CHECK (status <> 'void' OR paid = 0),
    CHECK ((status = 'paid') = (paid = total)),
    CHECK (period_end > period_start),
    -- One bill for a customer and the beginning of a period, whoever tells of it how often.
    UNIQUE (customer_id, period_start)
);
CREATE INDEX bill_listed ON bill (issued_at, id);
CREATE INDEX bill_of_branch ON bill (operator_path, issued_at, id);
CREATE INDEX bill_of_customer ON bill (customer_id, issued_at, id);
CREATE INDEX bill_by_status ON bill (status, issued_at, id) WHERE status <> 'paid';
CREATE INDEX bill_by_due ON bill (due_at, id);
CREATE INDEX bill_falling_due ON bill (due_at) WHERE status IN ('open', 'partly_paid');
CREATE INDEX bill_unpaid ON bill (customer_id, due_at, id) WHERE status IN ('open', 'partly_paid', 'overdue');

CREATE TABLE bill_item (
    bill_id uuid NOT NULL REFERENCES bill ON DELETE CASCADE,
    line smallint NOT NULL,
    description text NOT NULL,
    quantity int NOT NULL DEFAULT 1 CHECK (quantity > 0),
    amount numeric(18, 4) NOT NULL CHECK (amount > 0),
    package_id uuid,
    PRIMARY KEY (bill_id, line)
);

CREATE TABLE payment (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES account,
    operator_path text COLLATE "C" NOT NULL,
    amount numeric(18, 4) NOT NULL,
    refunded numeric(18, 4) NOT NULL DEFAULT 0,
    allocated numeric(18, 4) NOT NULL DEFAULT 0,
    currency text NOT NULL,
    method text NOT NULL CHECK (method IN ('cash', 'bkash', 'nagad', 'sslcommerz', 'stripe', 'recharge_card', 'bank_transfer', 'other')),
    status text NOT NULL DEFAULT 'recorded' CHECK (status IN ('recorded', 'partly_refunded', 'refunded', 'voided')),
    -- Who processed it online; null when an operator recorded it by hand.
    gateway text,
    transaction_reference text,
    note text,
    -- Three times (decision 9): in our books, at the payer, in our bank.
    recorded_at timestamptz NOT NULL DEFAULT now(),
    paid_at timestamptz NOT NULL,
    settled_at timestamptz,
    -- Who recorded it (E10), not who manages the customer (decision 2).
    operator_id uuid,
    operator_name text NOT NULL,
    receipt_number text NOT NULL UNIQUE,
    voided_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CHECK (amount > 0 AND exact(amount, currency)),
    CHECK (refunded >= 0 AND allocated >= 0 AND refunded + allocated <= amount),
    CHECK (exact(refunded, currency) AND exact(allocated, currency)),
    CHECK (status <> 'voided' OR (allocated = 0 AND refunded = 0)),
    CHECK (status = 'voided' OR (status = 'refunded') = (refunded = amount))
);
CREATE INDEX payment_listed ON payment (recorded_at, id);
CREATE INDEX payment_of_branch ON payment (operator_path, recorded_at, id);
CREATE INDEX payment_of_customer ON payment (customer_id, recorded_at, id);
CREATE INDEX payment_by_method ON payment (method, recorded_at, id);
CREATE INDEX payment_by_operator ON payment (operator_id, recorded_at, id);
CREATE INDEX payment_by_status ON payment (status, recorded_at, id) WHERE status <> 'recorded';
CREATE INDEX payment_by_amount ON payment (amount, id);
CREATE INDEX payment_by_paid_at ON payment (paid_at, id);
CREATE INDEX payment_unallocated ON payment (customer_id) WHERE status <> 'voided' AND amount - refunded - allocated > 0;
CREATE INDEX payment_reference ON payment USING gin (lower(transaction_reference) gin_trgm_ops);
CREATE INDEX payment_reference_exact ON payment (lower(transaction_reference)) WHERE transaction_reference IS NOT NULL;
-- Totals by day, method and operator read this alone.
CREATE INDEX payment_collected ON payment (recorded_at) INCLUDE (method, operator_id, operator_name, operator_path, currency, status, amount, refunded);
-- A gateway's transaction is money once, voided or not; one entered by hand may be entered again after a void.
CREATE UNIQUE INDEX payment_gateway_reference ON payment (gateway, transaction_reference) WHERE gateway IS NOT NULL;
CREATE UNIQUE INDEX payment_online_reference ON payment (method, transaction_reference)
    WHERE method IN ('bkash', 'nagad', 'sslcommerz', 'stripe') AND transaction_reference IS NOT NULL AND status <> 'voided';

CREATE TABLE allocation (
    payment_id uuid NOT NULL REFERENCES payment,
    bill_id uuid NOT NULL REFERENCES bill,
    amount numeric(18, 4) NOT NULL CHECK (amount > 0),
    PRIMARY KEY (payment_id, bill_id)
);
CREATE INDEX allocation_of_bill ON allocation (bill_id);

-- The last number given, per kind, owner and year: without gaps, since a rollback takes it back.
CREATE TABLE numbering (
    kind text NOT NULL,
    owner text NOT NULL,
    year int NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (kind, owner, year)
);

-- What the nightly proof found to differ from the ledger, until somebody has looked at it.
CREATE TABLE finding (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    customer_id uuid NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    detail jsonb NOT NULL,
    UNIQUE (kind, customer_id, detail)
);
