-- An operator's own patterns by kind (receipt, bill, proforma, credit); they hold for those below too.
CREATE TABLE number_pattern (
    operator_id uuid PRIMARY KEY,
    operator_path text COLLATE "C" NOT NULL UNIQUE,
    patterns jsonb NOT NULL DEFAULT '{}',
    version bigint NOT NULL DEFAULT 0
);
CREATE INDEX operator_fact_username ON operator_fact (username);

-- The nearest one up the branch of the operator of this name. As the owner: it may be that of an operator
-- above the caller, who sees only the own branch. PL/pgSQL keeps its plan: every payment asks.
CREATE FUNCTION number_pattern_of(wanted text, owner text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT n.patterns->>wanted FROM operator_fact o
        CROSS JOIN LATERAL generate_series(1, length(o.operator_path)) AS s(place)
        JOIN number_pattern n ON n.operator_path = left(o.operator_path, s.place) COLLATE "C"
        WHERE o.username = owner AND substr(o.operator_path, s.place, 1) = '/' AND n.patterns ? wanted
        ORDER BY s.place DESC LIMIT 1);
END $$;
REVOKE EXECUTE ON FUNCTION number_pattern_of(text, text) FROM PUBLIC;

-- Numbers ran by operator and year; now they run by series: what a pattern makes without its number. Where
-- the books say more than the counters (a site's own pattern), the books are right.
ALTER TABLE numbering RENAME TO numbering_by_year;
CREATE TABLE numbering (
    kind text NOT NULL,
    series text NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (kind, series)
);
INSERT INTO numbering (kind, series, last)
    SELECT kind, CASE kind WHEN 'receipt' THEN 'R' WHEN 'bill' THEN 'B' WHEN 'proforma' THEN 'PF' ELSE 'CN' END
        || '-' || owner || '-' || year || '-{number}', last FROM numbering_by_year;
INSERT INTO numbering (kind, series, last)
    SELECT kind, regexp_replace(number, '[0-9]+([^0-9]*)$', '{number}\1'), max(substring(number FROM '([0-9]+)[^0-9]*$')::bigint)
    FROM (SELECT 'receipt' AS kind, receipt_number AS number FROM payment UNION ALL SELECT 'bill', number FROM bill
        UNION ALL SELECT 'proforma', number FROM proforma UNION ALL SELECT 'credit', number FROM credit) AS given
    WHERE number ~ '[0-9]' GROUP BY 1, 2
    ON CONFLICT (kind, series) DO UPDATE SET last = greatest(numbering.last, excluded.last);
DROP TABLE numbering_by_year;
