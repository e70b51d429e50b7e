-- The logins that these customers bear or want; those that have a row are locked, in one order, so
-- that two batches never wait for each other crosswise.
WITH touched AS (
    SELECT username FROM subscriber WHERE customer_id = ANY(:ids) AND username IS NOT NULL
    UNION SELECT username FROM login WHERE customer_id = ANY(:ids)
), locked AS MATERIALIZED (
    SELECT username FROM login WHERE username IN (TABLE touched) ORDER BY username FOR UPDATE
)
SELECT username FROM touched LEFT JOIN locked USING (username)
