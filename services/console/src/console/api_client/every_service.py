"""What every service answers: jobs, exports, the operations log, dead letters."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from console.api_client.transport import Answer, File, Line, Query


class ServiceApi:
    def __init__(self, line: Line) -> None:
        self.line = line

    def _items(self, path: str, query: Query | None = None) -> dict[str, Any]:
        body: dict[str, Any] = self.line.get(path, query).body
        return body

    def metrics(self) -> str:
        """Prometheus text; open to anybody who reaches the service."""
        return self.line.text("/metrics")

    def looks(self, query: Query) -> dict[str, Any]:
        """Who looked at or fetched personal data."""
        return self._items("/v1/access-log", query)

    def jobs(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/jobs", query)

    def job(self, job_id: UUID) -> Answer:
        return self.line.get(f"/v1/jobs/{job_id}")

    def job_rows(self, job_id: UUID, query: Query) -> dict[str, Any]:
        return self._items(f"/v1/jobs/{job_id}/rows", query)

    def move_job(self, job_id: UUID, what: str) -> Answer:
        """`what`: cancel, pause, resume, retry, undo."""
        return self.line.post(f"/v1/jobs/{job_id}/{what}")

    def operations(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/operations", query)

    def verify_operations(self) -> Answer:
        return self.line.get("/v1/operations/verify")

    def dead_letters(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/dead-letters", query)

    def move_dead_letter(self, event_id: UUID, what: str) -> Answer:
        """`what`: replay, skip."""
        return self.line.post(f"/v1/dead-letters/{event_id}/{what}")

    def export(
        self,
        resource: str,
        form: str,
        filters: Query,
        zone: str,
        key: str,
        sort: str = "",
    ) -> Answer:
        """Begin the file of all rows that the filters leave, with all columns (E20–E23), in the order of
        the list."""
        body = {"resource": resource, "format": form, "filter": dict(filters), "time_zone": zone}
        body |= {"sort": sort} if sort else {}
        return self.line.post("/v1/exports", body, key=key)

    def exports(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/exports", query)

    def export_state(self, export_id: UUID) -> Answer:
        return self.line.get(f"/v1/exports/{export_id}")

    def export_file(self, export_id: UUID) -> File:
        return self.line.file(f"/v1/exports/{export_id}/file")
