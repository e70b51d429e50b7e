"""Questions to PostgreSQL's own catalogue: which tables there are, and which name a customer."""

TABLES = (
    "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
)
OF_SOMEBODY = (
    "SELECT DISTINCT table_name FROM information_schema.columns"
    " WHERE table_schema = 'public' AND column_name IN ('customer_id', 'subject', 'username')"
    " AND table_name <> 'operator_fact'"
)
