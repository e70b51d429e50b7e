-- Of payments that are about to be recorded, those that may be the same money as another one.
DROP FUNCTION payment_suspects(jsonb, timestamptz);
-- As the owner: under row-level security `lower()` would keep the planner from the index, and a reference
-- would be looked for in every payment of the branch. So the branch stands in the query itself.
CREATE FUNCTION payment_suspects(drafts jsonb, since timestamptz)
RETURNS TABLE (place int, customer_id uuid, recent uuid[], named uuid[], taken boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    low text := coalesce(current_setting('tenure.scope', true), '');
    high text := coalesce(current_setting('tenure.scope_end', true), '');
BEGIN
    RETURN QUERY SELECT * FROM (
        SELECT g.place, g.customer_id, ARRAY(SELECT p.id FROM payment p WHERE p.customer_id = g.customer_id AND p.recorded_at > since
            AND p.amount = g.amount AND p.status <> 'voided' AND (low = '' OR p.operator_path >= low AND p.operator_path < high)
            ORDER BY p.recorded_at DESC LIMIT 5) AS recent,
            ARRAY(SELECT p.id FROM payment p WHERE lower(p.transaction_reference) = lower(g.reference) AND p.transaction_reference IS NOT NULL
            AND p.method = g.method AND p.status <> 'voided' AND (low = '' OR p.operator_path >= low AND p.operator_path < high) LIMIT 5) AS named,
            -- No EXISTS, which would read every online payment there is once it expects many drafts.
            (SELECT true FROM payment p WHERE p.transaction_reference = g.reference AND p.method = g.method AND p.status <> 'voided'
            AND p.method IN ('bkash', 'nagad', 'sslcommerz', 'stripe') LIMIT 1) IS NOT NULL AS taken
        FROM jsonb_to_recordset(drafts) AS g(place int, customer_id uuid, amount numeric, method text, reference text)) s
    WHERE s.taken OR s.recent <> '{}' OR s.named <> '{}';
END $$;

-- What every payment begins with, in one call: the payers' accounts are locked, in one order for everybody,
-- and only then is read what has to stay true until commit. As in a transaction, each statement of a function
-- that is not stable sees what was committed before it.
CREATE FUNCTION open_books(payers uuid[], operator uuid, drafts jsonb, within interval)
RETURNS TABLE (now timestamptz, cashier text, limited boolean, id uuid, operator_path text, erased_at timestamptz,
    name text, username text, account uuid, currency text, version bigint, overdue boolean, promised_until timestamptz,
    auto_payment_failures int, suspects jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    -- The array in a subquery: the planner keeps one plan for one payer and for hundreds.
    PERFORM FROM account a WHERE a.customer_id = ANY(ARRAY(SELECT unnest(payers))) ORDER BY a.customer_id FOR UPDATE;
    RETURN QUERY
    SELECT c.now, c.cashier, c.limited, f.id, f.operator_path, f.erased_at, f.name, f.username, a.customer_id, a.currency, a.version,
        a.overdue, a.promised_until, a.auto_payment_failures, s.suspects
    FROM (SELECT now() AS now, (SELECT o.name FROM operator_fact o WHERE o.id = operator) AS cashier,
        EXISTS (SELECT FROM cash_drawer d WHERE d.operator_id = operator AND d.cash_limit IS NOT NULL) AS limited) c
    LEFT JOIN customer_fact f ON f.id = ANY(ARRAY(SELECT unnest(payers)))
    LEFT JOIN account a ON a.customer_id = f.id
    LEFT JOIN (SELECT p.customer_id, jsonb_agg(p) AS suspects FROM payment_suspects(drafts, now() - within) p GROUP BY 1) s
        ON s.customer_id = f.id;
END $$;
