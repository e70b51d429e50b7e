"""Whether books, ledger, network and sessions say what was acknowledged; computed anew, from rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from tests.flows.front_end import CUSTOMERS, PAYMENTS, RADIUS
from tests.flows.load import PASSWORD, Known
from tests.flows.site import Site

# As many logins are tried at FreeRADIUS itself: a process each.
TRIED = 12
BOOKS = {CUSTOMERS: "customers", PAYMENTS: "payments", RADIUS: "radius"}

_CUSTOMERS = (
    "SELECT c.id::text, c.state, c.activated_at IS NOT NULL AS activated FROM customer c"
    " WHERE c.id = ANY(%s)"
)
_MONEY = (
    "SELECT a.customer_id::text AS id, a.billed, a.paid, a.outstanding, a.available_funds,"
    " l.receivable, l.credit, l.cash, p.number, p.amount, p.ids"
    " FROM account a, LATERAL (SELECT"
    "  coalesce(sum(amount) FILTER (WHERE account = 'receivable'), 0) AS receivable,"
    "  coalesce(sum(amount) FILTER (WHERE account = 'credit'), 0) AS credit,"
    "  coalesce(sum(amount) FILTER (WHERE account = 'cash'), 0) AS cash"
    "  FROM ledger_entry e WHERE e.customer_id = a.customer_id) AS l,"
    " LATERAL (SELECT count(*) AS number, coalesce(sum(amount), 0) AS amount,"
    "  coalesce(array_agg(id::text), '{}') AS ids FROM payment WHERE customer_id = a.customer_id"
    " ) AS p WHERE a.customer_id = ANY(%s)"
)
_NETWORK = (
    "SELECT u.username, EXISTS (SELECT FROM radcheck c WHERE c.username = u.username"
    "  AND c.attribute = 'Auth-Type' AND c.value = 'Reject') AS rejected,"
    " (SELECT count(*) FROM radcheck c WHERE c.username = u.username) AS checks,"
    " (SELECT array_agg(groupname::text) FROM radusergroup g WHERE g.username = u.username)"
    " AS groups FROM unnest(%s::text[]) AS u(username)"
)
_ONLINE = "SELECT DISTINCT username FROM radacct WHERE acctstoptime IS NULL"


class Judge:
    """`faults()` lists what is wrong now; empty means that everything agrees."""

    def __init__(self, site: Site, known: Sequence[Known], package_id: str) -> None:
        self.site, self.known, self.package_id = site, known, package_id

    def faults(self) -> list[str]:
        found = [*self._books(), *self._money(), *self._rows(), *self._sessions()]
        return found or [*self._plumbing(), *self._server()]

    def _by_id(self, database: str, sql: str) -> dict[str, Any]:
        ids = [one.id for one in self.known]
        return {row["id"]: row for row in self.site.rows(database, sql, ids)}

    def _books(self) -> Iterator[str]:
        rows = self._by_id("customers", _CUSTOMERS)
        for one in self.known:
            state = rows[one.id]["state"]
            if state != ("deleted" if one.state == "deleted" else "alive"):
                yield f"{one.username} is {state} in the books, acknowledged {one.state}"

    def _money(self) -> Iterator[str]:
        rows = self._by_id("payments", _MONEY)
        for one in self.known:
            row = rows.get(one.id)
            if row is None:
                yield f"{one.username} has no account"
                continue
            if sorted(row["ids"]) != sorted(one.payments):
                yield f"{one.username}: {row['number']} payments, {len(one.payments)} acknowledged"
            if not row["cash"] == row["amount"] == row["paid"] == one.paid:
                yield f"{one.username}: paid {one.paid}, but {row}"
            # Receivable is what is owed, credit (negative) what lies on account.
            ledger = (row["receivable"] + row["credit"], -row["credit"])
            if (row["outstanding"], row["available_funds"]) != ledger:
                yield f"{one.username}: balances are not the ledger's: {row}"
            if row["outstanding"] != row["billed"] - one.paid:
                yield f"{one.username}: the account does not add up: {row}"

    def _rows(self) -> Iterator[str]:
        rows = {
            row["username"]: row
            for row in self.site.rows("radius", _NETWORK, [one.username for one in self.known])
        }
        for one in self.known:
            row = rows[one.username]
            if one.entitled and (row["rejected"] or row["groups"] != [f"plan:{self.package_id}"]):
                yield f"{one.username} is active, but has {row}"
            # A login without any row is unknown to FreeRADIUS, which refuses it.
            if not one.entitled and not row["rejected"] and (row["checks"] or row["groups"]):
                yield f"{one.username} is {one.state}, but has {row}"

    def _sessions(self) -> Iterator[str]:
        refused = {one.username for one in self.known if not one.entitled}
        for session in self.site.nas.sessions:
            if session.username in refused:
                yield f"{session.username} is online on the NAS"

    def _server(self) -> Iterator[str]:
        """FreeRADIUS itself, for some of each sort; who is online may not dial in twice."""
        online = {row["username"] for row in self.site.rows("radius", _ONLINE)}
        chosen = [one for one in self.known if one.username not in online]
        chosen.sort(key=lambda one: (one.entitled, one.id))
        for one in [*chosen[: TRIED // 2], *chosen[-TRIED // 2 :]]:
            if self.site.ask(one.username, PASSWORD).accepted != one.entitled:
                yield f"FreeRADIUS does not agree that {one.username} is {one.state}"

    def _plumbing(self) -> Iterator[str]:
        for service, database in BOOKS.items():
            if letters := self.site.rows(database, "SELECT type, error FROM dead_letter"):
                yield f"{service} has dead letters: {letters[:3]}"
            unsent = self.site.rows(database, "SELECT count(*) FROM outbox_unsent")
            if unsent[0]["count"]:
                yield f"{service} has {unsent[0]['count']} unsent events"
            verdict = self.site.admin.get(service, "/v1/operations/verify")
            if not verdict["intact"]:
                yield f"{service}: the operations log is broken: {verdict}"


def total(known: Sequence[Known]) -> Decimal:
    return sum((one.paid for one in known), Decimal(0))
