"""Where the tables of a database still name somebody: every column that can hold a word is read, of the
rows that are asked about, in one reading of each table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.events import Leftover
from shared.patterns import literally

# What a word may end or begin with in a text.
EDGES = ".-_+@"
# Shorter words (`1`, `ali`) stand in every second value.
SHORTEST = 4
# Each name is looked for in every value.
NAMES_UP_TO = 50
# A scan of a large table takes minutes; an hour ends a runaway.
MOST_SECONDS = 3600


@dataclass(frozen=True)
class Needles:
    """`words` are compared with the words of a value, `phrases` with the value. All lower case.

    `shared`: how many needles others use too, which are left out.
    """

    words: frozenset[str]
    phrases: frozenset[str]
    shared: int = 0


@dataclass(frozen=True)
class Look:
    """`texts` are the columns, each as text; `rows` selects the rows of `table` that are looked at."""

    table: str
    texts: Mapping[str, str]
    rows: str


_COLUMNS = text(
    "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) AS all_columns,"
    " array_agg(column_name::text ORDER BY ordinal_position)"
    "  FILTER (WHERE data_type IN ('text', 'jsonb', 'ARRAY')) AS columns,"
    " array_agg(column_name::text) FILTER (WHERE data_type = 'bytea') AS raw"
    " FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
    " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' GROUP BY 1 ORDER BY 1"
)


def tables(session: Session) -> Sequence[Any]:
    """`table_name`, `all_columns`, `columns` that hold text, `raw` ones that hold bytes."""
    return session.execute(_COLUMNS).all()


def traces(
    session: Session, looks: Iterable[Look], wanted: Needles, **asked: Any
) -> dict[str, Any]:
    """What is left: `hits` by table and column, 0 expected. `asked` are parameters of the looks' rows."""
    session.execute(text(f"SET LOCAL statement_timeout = '{MOST_SECONDS}s'"))
    columns, hits = 0, list[Leftover]()
    for look in looks:
        columns += len(look.texts)
        for column, rows in zip(look.texts, _count(session, look, wanted, asked), strict=True):
            if rows:
                hits.append(Leftover(table=look.table, column=column, rows=rows))
    return {
        "columns": columns,
        "needles": len(wanted.words) + len(wanted.phrases),
        "shared_with_others": wanted.shared,
        "names_searched": bool(wanted.phrases),
        "hits": tuple(hits),
    }


def _count(
    session: Session, look: Look, wanted: Needles, asked: Mapping[str, Any]
) -> Sequence[int]:
    """Rows with a trace, for each column: one reading of the table, whatever the number of columns."""
    if not wanted.words and not wanted.phrases:
        return [0] * len(look.texts)
    values = [f"lower({one})" for one in look.texts.values()]
    counts = ", ".join(f"count(*) FILTER (WHERE {_traced(one)})" for one in values)
    # Taking a value apart costs 10 µs: once for the whole row, and again only where there is a trace.
    whole = f"concat_ws(' ', {', '.join(values)})"
    return session.execute(
        text(f"SELECT {counts} FROM ({look.rows}) AS v WHERE {_traced(whole)}"),
        {
            **asked,
            "words": sorted(wanted.words),
            "phrases": [f"%{literally(one)}%" for one in sorted(wanted.phrases)],
        },
    ).one()


def _traced(value: str) -> str:
    return (
        f"EXISTS (SELECT FROM regexp_split_to_table({value}, '[^[:alnum:]_@.+-]+') AS w"
        f"  WHERE btrim(w, '{EDGES}') = ANY(CAST(:words AS text[])))"
        f" OR {value} LIKE ANY(CAST(:phrases AS text[]))"
    )
