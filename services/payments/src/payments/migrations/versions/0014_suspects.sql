-- What may be the same money as a payment that is about to be recorded. As the owner: under row-level
-- security `lower()` would keep the planner from the index, and a reference would be looked for in every
-- payment of the branch. So the branch stands in the query itself.
CREATE FUNCTION payment_suspects(drafts jsonb, since timestamptz) RETURNS TABLE (place int, recent uuid[], named uuid[], taken boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    low text := coalesce(current_setting('tenure.scope', true), '');
    high text := coalesce(current_setting('tenure.scope_end', true), '');
BEGIN
    RETURN QUERY
    SELECT g.place, ARRAY(SELECT p.id FROM payment p WHERE p.customer_id = g.customer_id AND p.recorded_at > since
        AND p.amount = g.amount AND p.status <> 'voided' AND (low = '' OR p.operator_path >= low AND p.operator_path < high)
        ORDER BY p.recorded_at DESC LIMIT 5),
        ARRAY(SELECT p.id FROM payment p WHERE lower(p.transaction_reference) = lower(g.reference) AND p.transaction_reference IS NOT NULL
        AND p.method = g.method AND p.status <> 'voided' AND (low = '' OR p.operator_path >= low AND p.operator_path < high) LIMIT 5),
        -- No EXISTS, which would read every online payment there is once it expects many drafts.
        (SELECT true FROM payment p WHERE p.transaction_reference = g.reference AND p.method = g.method AND p.status <> 'voided'
        AND p.method IN ('bkash', 'nagad', 'sslcommerz', 'stripe') LIMIT 1) IS NOT NULL
    FROM jsonb_to_recordset(drafts) AS g(place int, customer_id uuid, amount numeric, method text, reference text);
END $$;
