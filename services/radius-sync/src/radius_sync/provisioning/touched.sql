-- The logins that these customers bear or want; those that have a row are locked, in one order, so
-- that two batches never wait for each other crosswise.
WITH touched AS (
    SELECT username FROM subscriber WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND username IS NOT NULL
    UNION SELECT username FROM login WHERE customer_id = ANY(CAST(:ids AS uuid[]))
), locked AS MATERIALIZED (
    SELECT username FROM login WHERE username IN (TABLE touched) ORDER BY username FOR UPDATE
)
SELECT CAST(coalesce(array_agg(username), '{}') AS text)
FROM touched LEFT JOIN locked USING (username)
