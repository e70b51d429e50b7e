-- Cash that moves between operators, or is found to be missing, belongs to no customer.
ALTER TABLE ledger_transaction ALTER COLUMN customer_id DROP NOT NULL;
ALTER TABLE ledger_transaction ADD COLUMN operator_path text COLLATE "C";
ALTER TABLE ledger_transaction DROP CONSTRAINT ledger_transaction_kind_check;
ALTER TABLE ledger_transaction ADD CONSTRAINT ledger_transaction_kind_check CHECK (kind IN (
    'bill', 'bill_void', 'payment', 'payment_void', 'refund', 'allocation', 'release',
    'adjustment', 'credit_note', 'write_off', 'credit_reversal', 'commission', 'commission_reversal',
    'hand_over', 'cash_difference'));
ALTER TABLE ledger_transaction ADD CONSTRAINT ledger_transaction_whose
    CHECK ((customer_id IS NULL) = (kind IN ('hand_over', 'cash_difference')) AND (customer_id IS NULL) = (operator_path IS NOT NULL));
ALTER TABLE ledger_entry ALTER COLUMN customer_id DROP NOT NULL;
-- cash_over_short: what was counted beside what should be there.
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_account_check;
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_account_check CHECK (account IN (
    'receivable', 'credit', 'cash', 'revenue', 'bad_debt', 'commission', 'commission_due', 'cash_over_short'));

CREATE OR REPLACE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
    IF EXISTS (SELECT FROM ledger_entry WHERE transaction_id = wanted AND (customer_id IS DISTINCT FROM t.customer_id OR NOT exact(amount, t.currency))) THEN
        RAISE EXCEPTION 'ledger transaction %: an entry of another customer or with a part of a minor unit', wanted USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

-- Whose cash and whose commission an erasure took out of the ledger: what they hold does not change by it.
ALTER TABLE erased_money ADD COLUMN holder uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
ALTER TABLE erased_money DROP CONSTRAINT erased_money_pkey;
ALTER TABLE erased_money ADD PRIMARY KEY (erasure_id, customer_id, month, account, method, holder);
CREATE OR REPLACE FUNCTION erase_ledger(erasure uuid, customer uuid, path text) RETURNS TABLE (entries bigint, transactions bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO erased_money (erasure_id, customer_id, operator_path, currency, month, account, method, holder, amount, entries)
    SELECT erasure, customer, path, min(t.currency), date_trunc('month', t.effective_at AT TIME ZONE 'UTC')::date,
           e.account, coalesce(e.method, ''), coalesce(e.holder, '00000000-0000-0000-0000-000000000000'), sum(e.amount), count(*)
    FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id
    WHERE e.customer_id = customer GROUP BY 5, 6, 7, 8
    ON CONFLICT DO NOTHING;
    PERFORM set_config('tenure.certified_erasure', 'on', true);
    DELETE FROM ledger_entry e WHERE e.customer_id = customer;
    GET DIAGNOSTICS entries = ROW_COUNT;
    DELETE FROM ledger_transaction t WHERE t.customer_id = customer;
    GET DIAGNOSTICS transactions = ROW_COUNT;
    PERFORM set_config('tenure.certified_erasure', 'off', true);
    RETURN NEXT;
END $$;

-- The cash that an operator holds: the sum of the ledger's entries, kept by its trigger, proved nightly.
CREATE TABLE cash_drawer (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    operator_id uuid NOT NULL,
    currency text NOT NULL,
    balance numeric(18, 4) NOT NULL DEFAULT 0,
    -- Above it no cash payment is taken.
    cash_limit numeric(18, 4) CHECK (cash_limit >= 0),
    version bigint NOT NULL DEFAULT 1,
    UNIQUE (operator_id, currency)
);
INSERT INTO cash_drawer (operator_id, currency, balance)
    SELECT e.holder, t.currency, sum(e.amount) FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id
    WHERE e.account = 'cash' AND e.method = 'cash' AND e.holder IS NOT NULL GROUP BY 1, 2;

-- As the owner: the cash may be of an operator outside the caller's branch. In one order, against rings.
CREATE FUNCTION drawer_follows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO cash_drawer AS d (operator_id, currency, balance)
    SELECT e.holder, t.currency, sum(e.amount) FROM added e JOIN ledger_transaction t ON t.id = e.transaction_id
    WHERE e.account = 'cash' AND e.method = 'cash' AND e.holder IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (operator_id, currency) DO UPDATE SET balance = d.balance + excluded.balance;
    RETURN NULL;
END $$;
CREATE TRIGGER drawer_follows AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION drawer_follows();

-- Locked until commit: who looks at a drawer to decide on it is alone with it.
CREATE FUNCTION open_drawer(operator uuid, wanted_currency text) RETURNS cash_drawer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO cash_drawer AS d (operator_id, currency) VALUES (operator, wanted_currency)
    ON CONFLICT (operator_id, currency) DO UPDATE SET balance = d.balance RETURNING d.*
$$;
REVOKE EXECUTE ON FUNCTION open_drawer(uuid, text) FROM PUBLIC;

-- Cash from one operator to another (hand_over), or a difference found (giver or taker is null).
CREATE FUNCTION move_cash(id uuid, path text, wanted_currency text, actor uuid, giver uuid, taker uuid, amount numeric) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO ledger_transaction (id, customer_id, operator_path, kind, currency, actor_id, effective_at)
    VALUES (id, NULL, path, CASE WHEN giver IS NULL OR taker IS NULL THEN 'cash_difference' ELSE 'hand_over' END, wanted_currency, actor, now());
    INSERT INTO ledger_entry (transaction_id, line, customer_id, account, amount, holder, method)
    VALUES (id, 1, NULL, CASE WHEN taker IS NULL THEN 'cash_over_short' ELSE 'cash' END, amount, taker, CASE WHEN taker IS NOT NULL THEN 'cash' END),
           (id, 2, NULL, CASE WHEN giver IS NULL THEN 'cash_over_short' ELSE 'cash' END, -amount, giver, CASE WHEN giver IS NOT NULL THEN 'cash' END);
END $$;
REVOKE EXECUTE ON FUNCTION move_cash(uuid, text, text, uuid, uuid, uuid, numeric) FROM PUBLIC;

CREATE TABLE cash_shift (
    id uuid PRIMARY KEY,
    operator_id uuid NOT NULL,
    operator_name text NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    currency text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    opening_expected numeric(18, 4) NOT NULL,
    opening_counted numeric(18, 4) NOT NULL CHECK (opening_counted >= 0),
    closed_at timestamptz,
    closing_expected numeric(18, 4),
    closing_counted numeric(18, 4) CHECK (closing_counted >= 0),
    note text,
    version bigint NOT NULL DEFAULT 1,
    CHECK ((closed_at IS NULL) = (closing_counted IS NULL) AND (closed_at IS NULL) = (closing_expected IS NULL))
);
CREATE UNIQUE INDEX cash_shift_open ON cash_shift (operator_id, currency) WHERE closed_at IS NULL;
CREATE INDEX cash_shift_listed ON cash_shift (opened_at, id);
CREATE INDEX cash_shift_of_branch ON cash_shift (operator_path, opened_at, id);
CREATE INDEX cash_shift_of_operator ON cash_shift (operator_id, opened_at, id);

-- Two signatures: who gives says so, who takes accepts. `operator_path` is the giver's.
CREATE TABLE cash_hand_over (
    id uuid PRIMARY KEY,
    giver_id uuid NOT NULL,
    giver_name text NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    taker_id uuid NOT NULL,
    taker_name text NOT NULL,
    amount numeric(18, 4) NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'accepted', 'refused', 'cancelled')),
    note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CHECK (giver_id <> taker_id),
    CHECK ((state = 'pending') = (decided_at IS NULL)),
    CHECK (exact(amount, currency))
);
CREATE INDEX cash_hand_over_listed ON cash_hand_over (created_at, id);
CREATE INDEX cash_hand_over_of_branch ON cash_hand_over (operator_path, created_at, id);
CREATE INDEX cash_hand_over_pending ON cash_hand_over (giver_id, currency) WHERE state = 'pending';
