-- Until payments tells of one, every day is a working day.
CREATE TABLE calendar (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL DEFAULT 0,
    -- ISO 8601: Monday is 1, Sunday is 7.
    weekend int[] NOT NULL DEFAULT '{}',
    holidays date[] NOT NULL DEFAULT '{}',
    time_zone text NOT NULL DEFAULT 'UTC'
);
INSERT INTO calendar DEFAULT VALUES;

CREATE FUNCTION working_day(at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT extract(isodow FROM at AT TIME ZONE c.time_zone)::int = ANY(c.weekend)
        AND NOT (at AT TIME ZONE c.time_zone)::date = ANY(c.holidays) FROM calendar c
$$;

-- The same time of day on the first working day from then on; a year without one is a mistake.
CREATE FUNCTION next_working(at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT later FROM calendar c, generate_series(0, 366) n,
        LATERAL (SELECT (at AT TIME ZONE c.time_zone + n * interval '1 day') AT TIME ZONE c.time_zone AS later) l
        WHERE working_day(later) ORDER BY n LIMIT 1), at)
$$;
