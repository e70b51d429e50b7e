-- An export asked for again and again: each finished day or week once (`last_period` is its first day).
CREATE TABLE export_schedule (
    id uuid PRIMARY KEY,
    operator_path text COLLATE "C" NOT NULL,
    operator_id uuid NOT NULL,
    operator_name text NOT NULL,
    resource text NOT NULL,
    format text NOT NULL,
    filter jsonb NOT NULL,
    columns text[],
    every text NOT NULL CHECK (every IN ('day', 'week')),
    last_period date NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL DEFAULT 1
);
CREATE INDEX export_schedule_listed ON export_schedule (created_at, id);
CREATE INDEX export_schedule_due ON export_schedule (every, last_period);

-- Sums of a day's payments that are not void, so that totals over years read thousands of rows and not
-- millions. `collection_rolled` is the last day in it; a day that changed afterwards is dirty until it is
-- summed again, and is read from the payments themselves meanwhile.
CREATE TABLE collection_day (
    day date NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    operator_id uuid,
    operator_name text NOT NULL,
    method text NOT NULL,
    currency text NOT NULL,
    payments bigint NOT NULL,
    amount numeric(24, 4) NOT NULL,
    refunded numeric(24, 4) NOT NULL
);
CREATE INDEX collection_day_by_day ON collection_day (day);
CREATE TABLE collection_rolled (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    time_zone text NOT NULL,
    until date NOT NULL
);
CREATE TABLE collection_dirty (
    day date PRIMARY KEY,
    marks bigint NOT NULL DEFAULT 1
);

-- The row stays locked until commit: who sums the day up waits for the change and then sees it.
CREATE FUNCTION collection_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    changed payment := coalesce(OLD, NEW);
BEGIN
    INSERT INTO collection_dirty AS d (day)
    SELECT (changed.recorded_at AT TIME ZONE r.time_zone)::date FROM collection_rolled r
    WHERE (changed.recorded_at AT TIME ZONE r.time_zone)::date <= r.until
    ON CONFLICT (day) DO UPDATE SET marks = d.marks + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER collection_changed AFTER UPDATE ON payment FOR EACH ROW
    WHEN ((OLD.status = 'voided') <> (NEW.status = 'voided') OR OLD.refunded <> NEW.refunded OR OLD.operator_path <> NEW.operator_path)
    EXECUTE FUNCTION collection_changed();
CREATE TRIGGER collection_removed AFTER DELETE ON payment FOR EACH ROW EXECUTE FUNCTION collection_changed();
-- A payment is recorded now; one of yesterday was written by a load.
CREATE TRIGGER collection_added AFTER INSERT ON payment FOR EACH ROW
    WHEN (NEW.recorded_at < now() - interval '1 hour') EXECUTE FUNCTION collection_changed();
