"""PostgreSQL's own catalogue against what the search for leftovers says of a database."""

from sqlalchemy import text

from shared.database import Database
from shared.leftovers import Books, looks

TABLES = (
    "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
)
OF_SOMEBODY = (
    "SELECT DISTINCT table_name FROM information_schema.columns"
    " WHERE table_schema = 'public' AND column_name IN ('customer_id', 'subject', 'username')"
    " AND table_name <> 'operator_fact'"
)


def searched(database: Database, books: Books) -> set[str]:
    """The tables that are searched; AssertionError when one that is not names a customer, or is gone."""
    with database.transaction() as session:
        of_somebody = set(session.scalars(text(OF_SOMEBODY)))
        found = {look.table for look in looks(session, books)}
        there = set(session.scalars(text(TABLES)))
    assert there >= books.silent, "a table of the list is gone"
    assert not of_somebody & books.silent
    return found
