"""The stock tables as they should be (freeradius/schema.sql), against those that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import psycopg

from radius_sync.doctor.findings import Finding

_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)\n\);", re.DOTALL)
_INDEX = re.compile(r"CREATE INDEX IF NOT EXISTS \w+ ON (\w+) \(([\w, ]+)\)( WHERE \w+ IS NULL)?;")
# What each index is for, that the fix may be weighed.
_USES = {
    ("radacct", "username"): "Simultaneous-Use and every cut-off read all open sessions",
    ("radcheck", "username"): "every login reads the whole table",
    ("radreply", "username"): "every login reads the whole table",
    ("radusergroup", "username"): "every login reads the whole table",
}
_COLUMNS = (
    "SELECT table_name, column_name, udt_name FROM information_schema.columns"
    " WHERE table_schema = ANY(current_schemas(false)) AND table_name = ANY(%s)"
)
_TYPES = {
    "bigserial": "int8", "bigint": "int8", "serial": "int4", "integer": "int4", "text": "text",
    "inet": "inet", "timestamp": "timestamptz", "varchar": "varchar",
}  # fmt: skip
_INDEXES = (
    "SELECT i.indrelid::regclass::text, array(SELECT a.attname::text FROM unnest(i.indkey) WITH"
    " ORDINALITY AS k(n, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n"
    " ORDER BY k.place), pg_get_expr(i.indpred, i.indrelid), i.indisunique FROM pg_index i"
    " WHERE i.indisvalid AND i.indrelid = ANY(SELECT to_regclass(t) FROM unnest(%s::text[]) t)"
)


def stock_tables() -> Mapping[str, Mapping[str, str]]:
    """Type (as PostgreSQL's catalogue names it) by column, by table."""
    found = {}
    for table, body in _TABLE.findall(_schema()):
        columns = (line.split() for line in body.strip().splitlines())
        found[table] = {words[0]: _TYPES[re.split(r"\W", words[1])[0]] for words in columns}
    return found


def differences(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    """Tables and columns that are not there, have another type, or are too many to be left out."""
    wanted = stock_tables()
    actual: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(_COLUMNS, [list(wanted)]).fetchall():
        actual.setdefault(table, {})[column] = kind
    for table, columns in wanted.items():
        if table not in actual:
            yield Finding("table_missing", table, "the table is not there", "load schema.sql")
            continue
        for column, kind in columns.items():
            is_kind = actual[table].get(column)
            place = f"{table}.{column}"
            if is_kind is None:
                fix = f"ALTER TABLE {table} ADD COLUMN {column} {kind}"
                yield Finding("schema_difference", place, "the column is not there", fix)
            elif is_kind != kind and not {is_kind, kind} <= {"text", "varchar"}:
                fix = f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}"
                yield Finding("schema_difference", place, f"is {is_kind}, should be {kind}", fix)
    if "groupname" in actual.get("radacct", {}):
        yield Finding(
            "schema_difference", "radacct.groupname", "the schema is that of FreeRADIUS 3.0",
            "ALTER TABLE radacct DROP COLUMN groupname, once no query names it",
        )  # fmt: skip


def missing_indexes(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    tables = list(stock_tables())
    there = connection.execute(_INDEXES, [tables]).fetchall()
    if not any(t == "radacct" and c == ["acctuniqueid"] and u for t, c, _, u in there):
        yield Finding(
            "index_missing", "radacct (acctuniqueid)",
            "accounting cannot be updated: ON CONFLICT (acctuniqueid) fails without a unique key",
            "CREATE UNIQUE INDEX CONCURRENTLY ON radacct (acctuniqueid)",
        )  # fmt: skip
    for table, names, where in _INDEX.findall(_schema()):
        columns = names.split(", ")
        if not any(
            t == table and c[: len(columns)] == columns and (not p or (where and _same(p, where)))
            for t, c, p, _ in there
        ):
            use = _USES.get((table, columns[0]), "lists and clean-ups read the whole table")
            fix = f"CREATE INDEX CONCURRENTLY ON {table} ({names}){where}"
            yield Finding("index_missing", f"{table} ({names}){where}", use, fix)


def _same(predicate: str, where: str) -> bool:
    return predicate.strip("()") == where.removeprefix(" WHERE ")


def _schema() -> str:
    return files("radius_sync.freeradius").joinpath("schema.sql").read_text("utf-8")
