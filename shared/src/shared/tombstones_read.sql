-- Executed by a migration of each service. How far it has read the file of tombstones, which lies outside
-- the database: one row.
CREATE TABLE tombstones_read (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    bytes bigint NOT NULL DEFAULT 0,
    -- What the line before that place ends with.
    chain text NOT NULL DEFAULT '',
    -- The file was missing, cut off or another one.
    lost_at timestamptz
);
INSERT INTO tombstones_read DEFAULT VALUES;
