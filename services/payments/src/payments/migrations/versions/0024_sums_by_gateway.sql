-- Sums of days know gateways and statuses too: totals by them read thousands of rows and not millions. Days that
-- are summed up are dirty until they are summed again, and are read from the payments themselves meanwhile.
ALTER TABLE collection_day ADD COLUMN gateway text;
ALTER TABLE collection_day ADD COLUMN status text;
INSERT INTO collection_dirty (day) SELECT DISTINCT day FROM collection_day ON CONFLICT DO NOTHING;
DELETE FROM collection_day;
ALTER TABLE collection_day ALTER COLUMN status SET NOT NULL;
