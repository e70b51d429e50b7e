-- A statement is taken in by a job: its rows wait here, and are gone as soon as they are lines.
ALTER TABLE statement_import ADD COLUMN job_id uuid;
ALTER TABLE statement_import ADD COLUMN failed int NOT NULL DEFAULT 0;
ALTER TABLE statement_import ADD COLUMN finished_at timestamptz;
UPDATE statement_import SET finished_at = created_at;

CREATE TABLE statement_row (
    id uuid PRIMARY KEY,
    import_id uuid NOT NULL REFERENCES statement_import ON DELETE CASCADE,
    operator_path text COLLATE "C" NOT NULL,
    line int NOT NULL,
    -- Of rows of this file that are alike and name no reference, the how manieth this one is.
    nth int NOT NULL,
    fields jsonb NOT NULL
);
CREATE INDEX statement_row_of_import ON statement_row (import_id);

DROP INDEX statement_line_of_import;
CREATE UNIQUE INDEX statement_line_of_import ON statement_line (import_id, line);
CREATE INDEX statement_line_alike ON statement_line (operator_path, source, booked_on, amount, currency) WHERE reference IS NULL;
