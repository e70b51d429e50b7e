"""Every list, filter and order, against a limit that people do not notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from sqlalchemy import event

from tests.bench import Measure, interleaved, measure
from tests.bench.customers.asking import GONE, LIVING, getting, somebody
from tests.customers.conftest import Caller, Site

RUNS = 9
MOST_SECONDS = 0.050
PLANS = Path("var/bench")


def all_lists(site: Site, who: str, caller: Caller) -> Iterator[Measure]:
    PLANS.mkdir(parents=True, exist_ok=True)
    with (PLANS / f"customers-plans-{who}.txt").open("w") as plans:
        for name, url in _lists(caller).items():
            plans.write(f"\n== {name}: {url}\n")
            _keep_plans(site, caller, url, plans)
            seconds = interleaved(RUNS, {name: getting(caller, url)})[name]
            yield measure(
                f"customers: {name}, {who}", seconds, MOST_SECONDS, 1.0, note="at most 50 ms"
            )


def _lists(caller: Caller) -> dict[str, str]:
    """By name: a list as somebody asks for it."""
    one = somebody(caller, LIVING)
    dead = somebody(caller, GONE)
    found = {
        "first page": LIVING,
        "deep page": _deep(caller, LIVING),
        "by name": f"{LIVING}?sort=name",
        "by expiry, downward": f"{LIVING}?sort=-expires_at",
        "blocked": f"{LIVING}?status=blocked",
        "suspended": f"{LIVING}?status=suspended",
        "held": f"{LIVING}?hold=admin",
        "with total": f"{LIVING}?include=total",
        "search login": f"{LIVING}?q={one['username']}",
        "search phone": f"{LIVING}?q={quote('0' + one['phone'][4:])}",
        "search part of a phone": f"{LIVING}?q={one['phone'][-7:]}",
        "search name": f"{LIVING}?q={quote(one['name'])}",
        "search common name": f"{LIVING}?q=rahim",
        "search mistyped name": f"{LIVING}?q={quote(_mistyped(one['name']))}",
        "search nobody": f"{LIVING}?q=qwxzzyq",
        "deleted, first page": GONE,
        "deleted, deep page": _deep(caller, GONE),
        "deleted, search name": f"{GONE}?q={quote(dead['name'])}",
        "deleted, search mistyped": f"{GONE}?q={quote(_mistyped(dead['name']))}",
        "deleted, search phone": f"{GONE}?q={quote('0' + dead['phone'][4:])}",
    }
    for column in ("balance_control", "currency", "credit_limit", "available_funds"):
        found[f"by {column}"] = f"{LIVING}?sort={column}"
        found[f"by {column}, downward"] = f"{LIVING}?sort=-{column}"
    for column in ("name", "phone", "package_name", "operator_name", "deleted_by", "erase_after"):
        found[f"deleted, by {column}"] = f"{GONE}?sort={column}"
        found[f"deleted, by {column}, downward"] = f"{GONE}?sort=-{column}"
    return found


def _mistyped(name: str) -> str:
    """Two letters of the first word changed their places."""
    return f"{name[:2]}{name[3]}{name[2]}{name[4:]}"


def _deep(caller: Caller, place: str) -> str:
    """Pages of 500 until far down the list."""
    url = f"{place}?limit=500"
    for _ in range(100):
        found: Any = caller.get(url).get_json()
        if found["next_cursor"] is None:
            break
        url = f"{place}?limit=500&cursor={found['next_cursor']}"
    return url.replace("limit=500", "limit=25")


@contextmanager
def _listening(site: Site, statements: list[tuple[str, Any]]) -> Iterator[None]:
    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(site.database.engine, "before_cursor_execute", hear)
    yield
    event.remove(site.database.engine, "before_cursor_execute", hear)


def _keep_plans(site: Site, caller: Caller, url: str, file: TextIO) -> None:
    """Each statement's in the role and under the settings that those before it have set."""
    statements: list[tuple[str, Any]] = []
    with _listening(site, statements):
        assert caller.get(url).status_code == 200
    with site.database.transaction() as session:
        connection = session.connection()
        for statement, parameters in statements:
            explained = statement.startswith("SELECT") and "FROM customer" in statement
            prefix = "EXPLAIN (ANALYZE, COSTS OFF) " if explained else ""
            answer = connection.exec_driver_sql(prefix + statement, parameters)
            if explained:
                file.write("\n".join(str(row[0])[:200] for row in answer) + "\n--\n")
