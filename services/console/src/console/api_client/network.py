"""Calls to radius-sync: what the network says, and whether it says what the books say."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from console.api_client.every_service import ServiceApi
from console.api_client.transport import Answer, Query


class NetworkApi(ServiceApi):
    def subscribers(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/subscribers", query)

    def subscriber(self, username: str) -> Answer:
        return self.line.get(f"/v1/subscribers/{quote(username, safe='')}")

    def sessions(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/sessions", query)

    def who_had(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/sessions/who-had", query)

    def disconnect(self, session_id: int, key: str) -> Answer:
        return self.line.post(f"/v1/sessions/{session_id}/disconnect", {}, key=key)

    def disconnects(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/disconnects", query)

    def nas(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/nas", query)

    def one_nas(self, nas_id: UUID) -> Answer:
        return self.line.get(f"/v1/nas/{nas_id}")

    def add_nas(self, body: dict[str, Any], key: str) -> Answer:
        return self.line.post("/v1/nas", body, key=key)

    def change_nas(self, nas_id: UUID, body: dict[str, Any], etag: str) -> Answer:
        return self.line.patch(f"/v1/nas/{nas_id}", body, etag=etag)

    def remove_nas(self, nas_id: UUID, etag: str) -> Answer:
        return self.line.delete(f"/v1/nas/{nas_id}", etag=etag)

    def test_nas(self, nas_id: UUID) -> Answer:
        """Asks the NAS itself: takes as long as it takes to answer, or not to."""
        return self.line.post(f"/v1/nas/{nas_id}/test")

    # ------------------------------------------------------------ RADIUS servers, mass cut-offs
    def targets(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/targets", query)

    def target(self, target_id: UUID) -> Answer:
        return self.line.get(f"/v1/targets/{target_id}")

    def change_target(self, target_id: UUID, body: dict[str, Any], etag: str) -> Answer:
        return self.line.patch(f"/v1/targets/{target_id}", body, etag=etag)

    def add_target(self, body: dict[str, Any], key: str) -> Answer:
        return self.line.post("/v1/targets", body, key=key)

    def remove_target(self, target_id: UUID, etag: str) -> Answer:
        return self.line.delete(f"/v1/targets/{target_id}", etag=etag)

    def change_storm(self, body: dict[str, Any], etag: str) -> Answer:
        """From how many cut-offs on they are paced, and how fast."""
        return self.line.patch("/v1/storm", body, etag=etag)

    def examine_target(self, target_id: UUID) -> Answer:
        return self.line.get(f"/v1/targets/{target_id}/doctor")

    def storm(self) -> Answer:
        return self.line.get("/v1/storm")

    def decide_storm(self, what: str, body: dict[str, Any], key: str) -> Answer:
        """`what`: stop, pace, release."""
        return self.line.post(f"/v1/storm/{what}", body, key=key)

    # ------------------------------------------------------------ who may only pay
    def walled_garden(self, _: Query) -> dict[str, Any]:
        """All causes; they have no pages."""
        return {"items": self.line.get("/v1/walled-garden").body["causes"]}

    def walled_cause(self, reason: str) -> Answer:
        return self.line.get(f"/v1/walled-garden/{quote(reason, safe='')}")

    def set_walled_cause(self, reason: str, body: dict[str, Any], etag: str) -> Answer:
        return self.line.put(f"/v1/walled-garden/{quote(reason, safe='')}", body, etag=etag)

    # ------------------------------------------------------------ does it say what the books say
    def reconciliations(self, query: Query) -> dict[str, Any]:
        return self._items("/v1/reconciliations", query)

    def reconcile(self, *, heal: bool, key: str) -> Answer:
        return self.line.post("/v1/reconciliations", {"heal": heal}, key=key)

    def reconciliation(self, reconciliation_id: UUID) -> Answer:
        return self.line.get(f"/v1/reconciliations/{reconciliation_id}")

    def usage(self, query: Query) -> dict[str, Any]:
        """Usage records, xDRs (C45)."""
        return self._items("/v1/usage", query)
