"""The payments log at 20,000,000 payments of a million customers: list, filters, search, totals (E13-E19).

As an admin and as a reseller with a tenth of the customers. The floor of `payments-lists` is the bare SQL
of the same page: what is looked up and the page of what was found, prepared, in one transaction, without
HTTP and row-level security. The plans are kept in `var/bench/payments-plans.txt`. Filling takes
a while: 16 GB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import orjson
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from sqlalchemy import event
from werkzeug.test import EnvironBuilder, run_wsgi_app

from payments.persistence.matching import Matches
from payments.rollup import roll
from shared.database import BEGIN_SEARCH, Scope
from shared.tokens import Role
from tests.bench import Measure, interleaved, measure
from tests.payments import crowd
from tests.payments.stage import Stage, operator_id
from tests.support.servers import start_postgres

NAMES = ("payments-lists",)
MANY, RUNS = 20_000_000, 15
TO_BARE = 1 / 3
LIST, TOTALS = "/v1/payments", "/v1/payments/totals"
PLANS = Path("var/bench/payments-plans.txt")
WHO: dict[str, tuple[str, Role]] = {
    "admin": ("1/", "admin"),
    "reseller": (crowd.ONE_BRANCH, "reseller"),
}


def measures(_names: tuple[str, ...]) -> list[Measure]:
    with TemporaryDirectory() as folder:
        server = start_postgres(Path(folder) / "data")
        try:
            with crowd.crowded(server.url, Path(folder), MANY) as stage:
                return list(measures_of(stage))
        finally:
            server.stop()


def measures_of(stage: Stage) -> Iterator[Measure]:
    """The same in books that are full already."""
    PLANS.parent.mkdir(parents=True, exist_ok=True)
    PLANS.write_text("")
    settings = stage.client.application.extensions["tenure.settings"]
    with stage.database.transaction() as session:
        while roll(session, settings.time_zone):
            pass
    for who, (path, role) in WHO.items():
        for name, url in _asked(stage, path, role).items():
            yield _measured(stage, f"payments: {name}, {who}", url, path, role)


def _asked(stage: Stage, path: str, role: Role) -> dict[str, str]:
    """By name: a list as somebody asks for it."""
    pages: Any = stage.get(LIST, path, role, limit=200, method="bkash").json
    one = pages["items"][150]
    person = stage.rows("SELECT * FROM customer_fact WHERE id = :id", id=one["customer_id"])[0]
    month = datetime.now(UTC).date() - timedelta(days=400)
    span = f"from={month}&to={month + timedelta(days=30)}"
    whose = operator_id(crowd.ONE_BRANCH)
    return {
        "first page": LIST,
        "deep page": _deep(stage, path, role),
        "by amount": f"{LIST}?sort=-amount",
        "by paid_at": f"{LIST}?sort=paid_at",
        "a month (E13)": f"{LIST}?{span}",
        "an operator (E14)": f"{LIST}?operator_id={whose}",
        "an operator's month": f"{LIST}?operator_id={whose}&{span}",
        "cash (E15)": f"{LIST}?method=cash",
        "a gateway (E15)": f"{LIST}?gateway=sslcommerz",
        "a gateway's month": f"{LIST}?gateway=nagad&{span}",
        "voided": f"{LIST}?status=voided",
        "a rare method's old month": f"{LIST}?method=sslcommerz&{span}",
        "everything at once": f"{LIST}?method=bkash&operator_id={whose}&status=voided&{span}",
        "a customer": f"{LIST}?customer_id={one['customer_id']}",
        "search name (E17)": f"{LIST}?q={quote(person.name)}",
        "search part of a name (E17)": f"{LIST}?q={quote(person.name.split()[0].lower())}",
        "search common name (E17)": f"{LIST}?q=rahim",
        "search username (E18)": f"{LIST}?q={person.username}",
        "search transaction (E19)": f"{LIST}?q={one['transaction_reference']}",
        "search part of a transaction (E19)": f"{LIST}?q={one['transaction_reference'][2:9]}",
        "search receipt": f"{LIST}?q={one['receipt_number']}",
        "search phone": f"{LIST}?q={quote(person.phone)}",
        "search nobody": f"{LIST}?q=qwxzzyq",
        "search within a month": f"{LIST}?q={quote(person.name)}&{span}",
        "with total": f"{LIST}?include=total&method=nagad",
        "totals by method": TOTALS,
        "totals of a month": f"{TOTALS}?{span}",
        "totals of an operator": f"{TOTALS}?operator_id={whose}",
        "totals of a search": f"{TOTALS}?q={quote(person.name)}",
    }


def _deep(stage: Stage, path: str, role: Role) -> str:
    """Pages of 500 until far down the list."""
    cursor = None
    for _ in range(40):
        found: Any = stage.get(
            LIST, path, role, limit=500, **({"cursor": cursor} if cursor else {})
        ).json
        cursor = found["next_cursor"]
    return f"{LIST}?cursor={cursor}"


def _measured(stage: Stage, name: str, url: str, path: str, role: Role) -> Measure:
    statements: list[tuple[str, Any]] = []
    ours = _getting(stage, url, path, role)
    # Bare SQL asks for the page of nobody, too.
    with _listening(stage, statements), patch.object(Matches, "nothing", False):
        rows = len(orjson.loads(ours())["items"])
    _keep_plans(stage, name, url, path, statements)
    begin = BEGIN_SEARCH if "q=" in url else "BEGIN"
    seconds = interleaved(RUNS, {"ours": ours, "bare": _bare(stage, statements, begin)})
    note = f"{rows} rows, {seconds['ours'] * 1000:.1f} ms; floor: its statements alone"
    return measure(name, seconds["ours"], seconds["bare"], TO_BARE, note=note)


def _getting(stage: Stage, url: str, path: str, role: Role) -> Callable[[], bytes]:
    """A request as a server hands it to the application, without what a client takes to make it."""
    app = stage.client.application
    headers = list(stage.bearer(path, role).items())
    environment = EnvironBuilder(path=url, headers=headers).get_environ()

    def run() -> bytes:
        body, status, _ = run_wsgi_app(app, dict(environment))
        assert status == "200 OK", status
        return b"".join(body)

    return run


def _bare(stage: Stage, statements: list[tuple[str, Any]], begin: str) -> Callable[[], bytes]:
    url = stage.database.engine.url.set(drivername="postgresql")
    connection = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
    set_json_loads(orjson.loads, connection)
    connection.execute(f"SET ROLE {stage.database.role}")

    def run() -> bytes:
        connection.execute(begin, prepare=False)
        cursor: Any = connection.cursor(row_factory=dict_row)
        found = (cursor.execute(*one) for one in statements)
        rows = [one.fetchall() for one in found if one.description]
        connection.execute("COMMIT")
        return orjson.dumps(rows, default=str)

    return run


@contextmanager
def _listening(stage: Stage, statements: list[tuple[str, Any]]) -> Iterator[None]:
    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "tenure.scope" not in statement and statement.startswith(("SELECT", "EXPLAIN")):
            statements.append((statement, parameters))

    event.listen(stage.database.engine, "before_cursor_execute", hear)
    yield
    event.remove(stage.database.engine, "before_cursor_execute", hear)


def _keep_plans(
    stage: Stage, name: str, url: str, path: str, statements: list[tuple[str, Any]]
) -> None:
    """As the caller's own role has them, but for the lookup of a search, which the service does."""
    scope = Scope(None if path == "1/" else path)
    with PLANS.open("a") as file:
        file.write(f"\n== {name}: {url}\n")
        for statement, parameters in statements:
            if "set_config" in statement:
                continue
            lookup = "LIMIT" in statement and "customer_name" not in statement
            with stage.database.transaction(Scope(None) if lookup else scope) as session:
                plan = session.connection().exec_driver_sql(
                    statement
                    if statement.startswith("EXPLAIN")
                    else f"EXPLAIN (ANALYZE, COSTS OFF, BUFFERS) {statement}",
                    parameters,
                )
                file.write("\n".join(str(row[0])[:200] for row in plan) + "\n--\n")
