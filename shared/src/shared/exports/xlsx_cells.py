"""The SQL that turns a row of a query into a `<row>` of SpreadsheetML (ECMA-376 part 1, 18.3.1).

Text is an inline string in a cell of format "@", so nothing is a formula or a link, now or after
somebody edits the cell. Money, dates and times are numbers with a format. What Excel cannot hold
as a number (more than 15 digits, NaN, days before March 1900) is written as text, exactly.
"""

from collections.abc import Sequence

from shared.exports.columns import Column
from shared.exports.xlsx_parts import DATE, INTEGER, TEXT, TIMESTAMP, money_style

CELL_LIMIT = 32_767
"""Characters in one Excel cell, counted in UTF-16 units; longer text is cut and ends with `MARK`."""

MARK = "…"

# Not allowed in XML 1.0 at all, so they are dropped.
_FORBIDDEN = "".join(chr(code) for code in (*range(1, 9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF))

# Beyond XML's own three: what COPY would escape must not reach it. A reference says the same.
_REFERENCES = (
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ("\\", "&#92;"),
    ("\t", "&#9;"),
    ("\n", "&#10;"),
    ("\r", "&#13;"),
)

_SUSPECT = "[&<>\\\\\x01-\x1f\ufffe\uffff]|_x"
_TWO_UNITS = "[\U00010000-\U0010ffff]"


def row(columns: Sequence[Column]) -> str:
    """The expression of one row's XML, on one line whatever the cells hold."""
    cells = (f"coalesce({_cell(column, columns)}, '<c/>')" for column in columns)
    return f"'<row>' || {' || '.join(cells)} || '</row>'"


def _cell(column: Column, columns: Sequence[Column]) -> str:
    value = f'"{column.name}"'
    match column.kind:
        case "text" | "phone":
            return _text(f"{value}::text")
        case "boolean":
            return f"""'<c t="b"><v>' || {value}::int || '</v></c>'"""
        case "integer":
            return _number(f"{value}::numeric", 10**15, INTEGER)
        case "money":
            exact = 10 ** (15 - column.decimals)
            return _number(f"{value}::numeric", exact, money_style(column, columns))
        case "date":
            return _day(f"{value}::date", f"({value}::date - date '1899-12-30')", DATE)
        case "timestamp":
            local = f"{value}::timestamptz::timestamp"
            serial = f"(extract(epoch FROM {local})::float8 / 86400 + 25569)"
            return _day(local, serial, TIMESTAMP)


def _text(text: str) -> str:
    # Six cells of seven need none of the work; the test alone costs a third of it.
    safe = f"CASE WHEN {text} ~ {_quoted(_SUSPECT)} OR octet_length({text}) > {CELL_LIMIT // 2}"
    return (
        f"""'<c s="{TEXT}" t="inlineStr"><is><t xml:space="preserve">' || """
        f"{safe} THEN {_escaped(_cut(_allowed(text)))} ELSE {text} END || '</t></is></c>'"
    )


def _number(value: str, limit: int, style: int) -> str:
    return _or_text(f"{value} > -{limit} AND {value} < {limit}", value, value, style)


def _day(value: str, serial: str, style: int) -> str:
    known = f"{value} >= '1900-03-01' AND {value} < '10000-01-01'"
    return _or_text(known, value, serial, style)


def _or_text(condition: str, value: str, number: str, style: int) -> str:
    cell = f"""'<c s="{style}"><v>' || {number} || '</v></c>'"""
    return f"CASE WHEN {condition} THEN {cell} ELSE {_text(f'{value}::text')} END"


def _allowed(text: str) -> str:
    return f"translate({text}, {_quoted(_FORBIDDEN)}, '')"


def _cut(text: str) -> str:
    keep = CELL_LIMIT - 1
    units = f"length({text}) + regexp_count({text}, '{_TWO_UNITS}')"
    fits = f"{keep} - regexp_count(left({text}, {keep}), '{_TWO_UNITS}')"
    return (
        f"CASE WHEN octet_length({text}) > {CELL_LIMIT} AND {units} > {CELL_LIMIT}"
        f" THEN left({text}, {fits}) || '{MARK}' ELSE {text} END"
    )


def _escaped(text: str) -> str:
    # Excel reads _x0041_ as "A" (ECMA-376 22.4.2.4, ST_Xstring), unless its first _ is spelt so.
    escaped = f"regexp_replace({text}, '_(?=x[0-9A-Fa-f]{{4}}_)', '_x005F_', 'g')"
    for character, reference in _REFERENCES:
        escaped = f"replace({escaped}, {_quoted(character)}, '{reference}')"
    return escaped


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
