"""A page through HTTP beside the statements that it takes, and beside itself among 10,000 customers.

Part of a login is sought twice. One part fits eleven logins among many and among few. The other is the
same text on both sites, and what a text fits grows with the customers: 1,000 of a million and 10 of
10,000, of which the latest 25 are known when all are. To meet them in the index and the table takes 3.9 ms
of the server's time there and 0.07 ms here (a reseller's, 109 and one: 2.0 and 0.04), whatever stands
around it: "part of many logins, to 10,000" cannot reach its target beside a page of 4 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import orjson
from psycopg.rows import dict_row
from sqlalchemy import tuple_

from customers import searching
from shared.database import Scope
from shared.http.cursors import write_cursor
from tests.bench import Measure, interleaved, measure
from tests.bench.customers.asking import GONE, LIVING, getting, somebody
from tests.customers.conftest import Caller, Site

TURNS = 41
TO_BARE, TO_FEW = 1 / 3, 1 / 1.3
HOLDS = "SELECT * FROM hold WHERE customer_id = ANY(%s) AND lifted_at IS NULL"


def ratios(
    who: str, among_many: tuple[Site, Caller], among_few: tuple[Site, Caller]
) -> Iterator[Measure]:
    (large, much), (small, little) = among_many, among_few
    asked = _asked(small, little)
    for name, (place, filters) in _asked(large, much).items():
        last, alike = name.endswith("last page"), asked[name][1]
        work = {
            "many": getting(much, _url(large, much, place, filters, last)),
            "few": getting(little, _url(small, little, place, alike, last)),
            "bare": _bare(large, much, place, filters, last),
        }
        seconds = interleaved(TURNS, work)
        title = f"customers: {name}, {who}"
        yield measure(f"{title}, to SQL", seconds["many"], seconds["bare"], TO_BARE)
        yield measure(f"{title}, to 10,000", seconds["many"], seconds["few"], TO_FEW)


def _asked(site: Site, caller: Caller) -> dict[str, tuple[str, dict[str, str]]]:
    """By name: the list and its filters."""
    someone, many = somebody(caller, LIVING), site.one("SELECT count(*) AS n FROM customer").n
    return {
        "first page": (LIVING, {}),
        "last page": (LIVING, {}),
        # Itself and the ten whose number goes on: `ser24390` of a million, `ser243` of 10,000.
        "search part of a login": (LIVING, {"q": f"ser{many // 41}"}),
        "search part of many logins": (LIVING, {"q": someone["username"][1:]}),
        "search part of a phone": (LIVING, {"q": someone["phone"][-7:]}),
        "search common name": (LIVING, {"q": "rahim"}),
        "blocked": (LIVING, {"status": "blocked"}),
        "suspended": (LIVING, {"status": "suspended"}),
        "deleted, first page": (GONE, {}),
        "deleted, last page": (GONE, {}),
        "deleted, search common name": (GONE, {"q": "fatema"}),
        "deleted, closed accounts": (GONE, {"reason": "closed_account"}),
    }


def _page(place: str, caller: Caller, filters: Mapping[str, str]) -> tuple[Any, list[Any]]:
    """The query of a list, with what it is ordered by."""
    scope = Scope(None if caller.path == "1/" else caller.path)
    if place == GONE:
        return searching.deleted(scope, filters), [searching.c.deleted_at, searching.c.id]
    return searching.listed(scope, filters, ()), [searching.c.created_at, searching.c.id]


def _end(site: Site, caller: Caller, place: str) -> tuple[Any, Any]:
    """Behind which row the last 25 lie."""
    query, order = _page(place, caller, {})
    with site.database.transaction() as session:
        row = session.execute(
            query.with_only_columns(*order).order_by(*order).offset(25).limit(1)
        ).one()
        return row[0], row[1]


def _url(site: Site, caller: Caller, place: str, filters: Mapping[str, str], last: bool) -> str:
    asked = [f"{name}={quote(value)}" for name, value in filters.items()]
    if last:
        # As the page before the last gives it: walking there takes 36,000 requests.
        sort = "-deleted_at" if place == GONE else "-created_at"
        with site.app.app_context():
            asked.append(f"cursor={write_cursor(list(_end(site, caller, place)), sort)}")
    return f"{place}?{'&'.join(asked)}"


def _bare(
    site: Site, caller: Caller, place: str, filters: Mapping[str, str], last: bool
) -> Callable[[], bytes]:
    """The page by the statements that it takes and nothing else: rows, their holds, those of operators."""
    query, order = _page(place, caller, filters)
    if last:
        query = query.where(tuple_(*order) < tuple_(*_end(site, caller, place)))
    ordered = query.order_by(*(column.desc() for column in order)).limit(26)
    compiled = ordered.compile(site.database.engine, compile_kwargs={"render_postcompile": True})
    statement, parameters = str(compiled), compiled.params
    connection = site.database.engine.raw_connection()

    def run() -> bytes:
        cursor: Any = connection.cursor()
        cursor.row_factory = dict_row
        rows = cursor.execute(statement, parameters).fetchall()
        if place == LIVING:
            held = [row["id"] for row in rows if row["holds"]]
            rows += cursor.execute(HOLDS, [held]).fetchall()
            rows += cursor.execute("SELECT * FROM held()").fetchall()
        connection.commit()
        return orjson.dumps(rows, default=str)

    return run
