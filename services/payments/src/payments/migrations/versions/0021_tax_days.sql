-- Taxes booked on a day, by the branch that the customer was in when the day was over: a month that was
-- declared stays as it is, whoever moves or is erased. Beyond `collection_rolled` the ledger itself is read.
CREATE TABLE tax_day (
    day date NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    currency text NOT NULL,
    charged numeric(24, 4) NOT NULL,
    taken_back numeric(24, 4) NOT NULL,
    PRIMARY KEY (day, operator_path, currency)
);
INSERT INTO tax_day (day, operator_path, currency, charged, taken_back)
    SELECT (t.recorded_at AT TIME ZONE r.time_zone)::date, a.operator_path, t.currency,
        -coalesce(sum(e.amount) FILTER (WHERE e.amount < 0), 0), coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0)
    FROM collection_rolled r
    JOIN ledger_transaction t ON t.recorded_at < CAST(r.until + 1 AS timestamp) AT TIME ZONE r.time_zone
    JOIN ledger_entry e ON e.transaction_id = t.id AND e.account = 'tax'
    JOIN account a ON a.customer_id = t.customer_id GROUP BY 1, 2, 3;
