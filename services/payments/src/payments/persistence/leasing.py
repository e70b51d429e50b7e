"""Work at a gateway that is due, leased to one worker; who holds a lease that runs out has died."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

# Longer than every call to a gateway.
LEASE = timedelta(seconds=90)


def due(table: str, at: str, tries: str, *, also: str = "", clock: str = "now()") -> TextClause:
    """For `take`: rows of `table` whose time `at` has come by `clock`, counted in `tries`."""
    return text(
        f"UPDATE {table} t SET {at} = {clock} + :lease, {tries} = t.{tries} + 1{also}"
        f" FROM (SELECT id FROM {table} WHERE gateway = :gateway AND {at} <= {clock}"
        f" ORDER BY {at} LIMIT :most FOR UPDATE SKIP LOCKED) due WHERE t.id = due.id RETURNING t.*"
    )


def take(session: Session, statement: TextClause, gateway: str, most: int) -> list[Any]:
    """The rows; nobody else gets them while the lease lasts."""
    return list(session.execute(statement, {"gateway": gateway, "most": most, "lease": LEASE}))


@dataclass(frozen=True)
class Asked:
    """A table of what a gateway is asked about by and by; `states`: those in which anybody may ask."""

    table: str
    states: tuple[str, ...]

    @cached_property
    def _due(self) -> TextClause:
        return due(self.table, "next_check_at", "checks", also=", asked_at = now()")

    # Not counted among the looks: who calls the return page a hundred times wears out no back-off.
    @cached_property
    def _one(self) -> TextClause:
        return text(
            f"UPDATE {self.table} SET asked_at = now(), next_check_at = now() + :lease"
            " WHERE id = :id AND state = ANY(:states)"
            " AND (asked_at IS NULL OR asked_at < now() - :apart) RETURNING *"
        )

    def lease_due(self, session: Session, gateway: str, most: int) -> list[Any]:
        """Rows whose gateway is to be asked now; nobody else gets them while the lease lasts."""
        return take(session, self._due, gateway, most)

    def lease_one(self, session: Session, row_id: UUID, apart: timedelta) -> Any:
        """The row, if its gateway may be asked now; None when it was asked less than `apart` ago."""
        given = {"id": row_id, "lease": LEASE, "apart": apart, "states": list(self.states)}
        return session.execute(self._one, given).one_or_none()

    def of_request(self, session: Session, request_key: str) -> Any:
        return self._row(session, "request_key = :value", request_key)

    def find(self, session: Session, row_id: UUID) -> Any:
        return self._row(session, "id = :value", row_id)

    def locked(self, session: Session, row_id: UUID) -> Any:
        """The caller locks the account first."""
        return self._row(session, "id = :value FOR UPDATE", row_id)

    def _row(self, session: Session, where: str, value: Any) -> Any:
        query = text(f"SELECT * FROM {self.table} WHERE {where}")
        return session.execute(query, {"value": value}).one_or_none()

    def opened(
        self, session: Session, row_id: UUID, gateway_session: str, url: str | None, **more: Any
    ) -> None:
        """Keep the page that was opened first: the payer may be on it already. `more` are columns."""
        kept = {"gateway_session": gateway_session, "redirect_url": url, **more}
        session.execute(
            text(
                f"UPDATE {self.table} SET {', '.join(f'{name} = :{name}' for name in kept)},"
                " state = 'pending', asked_at = NULL, version = version + 1"
                " WHERE id = :id AND gateway_session IS NULL AND state = 'created'"
            ),
            {"id": row_id, **kept},
        )
