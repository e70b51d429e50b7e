"""Recharge cards made, issued and redeemed by the API, for tests."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

from payments.cards.sealed_file import opened
from payments.jobs import kinds
from payments.settings import PaymentsSettings
from shared.database import Database
from shared.jobs import run_due
from tests.payments.stage import Stage

PASSPHRASE = "correct horse battery"


def money(amount: str, currency: str = "BDT") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def order(stage: Stage, count: int = 3, path: str = "1/", role: Any = "admin", **more: Any) -> Any:
    body = {
        "count": count,
        "value": money("100.00"),
        "expires_at": (datetime.now(UTC) + timedelta(days=365)).isoformat(),
        "passphrase": PASSPHRASE,
        **more,
    }
    return stage.post("/v1/recharge-cards", body, path, role)


def redeem(stage: Stage, pin: str, username: str = "karim.ahmed", **more: Any) -> Any:
    return stage.post("/v1/recharge-cards/redeem", {"pin": pin, "username": username}, **more)


class Press:
    """Makes and issues cards, and opens the sealed file."""

    def __init__(self, stage: Stage, database: Database, settings: PaymentsSettings) -> None:
        self.stage, self.database, self.settings = stage, database, settings

    def run(self) -> None:
        run_due(self.database, kinds(self.settings))
        assert self.stage.rows("SELECT error FROM job WHERE state = 'failed'") == []

    def batch(self, count: int = 3, *, issued: bool = True, **more: Any) -> tuple[str, list[str]]:
        """The batch's id and its PINs."""
        asked = order(self.stage, count, **more)
        assert asked.status_code == 202, asked.json
        self.run()
        batch = asked.json["batch_id"]
        file = self.stage.get(f"/v1/recharge-cards/batches/{batch}/file")
        lines = b"".join(opened(io.BytesIO(file.data), PASSPHRASE)).decode().splitlines()
        file.close()
        if issued:
            self.change("issue", batch)
        return batch, [line.split(",")[1] for line in lines[1:]]

    def change(self, action: str, batch: str, **more: Any) -> Any:
        reason = {} if action == "issue" else {"reason": "for the test"}
        answer: Any = self.stage.post(
            f"/v1/recharge-cards/{action}", {"batch_id": batch, **reason, **more}
        )
        assert answer.status_code == 202, answer.json
        self.run()
        return self.stage.get(f"/v1/jobs/{answer.json['id']}").json

    def states(self, batch: str) -> dict[str, int]:
        found: Any = self.stage.get(f"/v1/recharge-cards/batches/{batch}").json
        return dict(found["cards"])
