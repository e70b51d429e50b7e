"""What customers see who are let in to pay only: per cause, a pool of addresses of its own."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from radius_sync import rows
from shared import operations
from shared.operations import Actor

_CHANGE = text("UPDATE walled_cause SET pool = :pool, version = version + 1 WHERE reason = :reason")


def set_pool(session: Session, reason: str, pool: str | None, actor: Actor) -> None:
    """From the next login on; the groups are rewritten, no login is touched."""
    before = session.scalar(
        text("SELECT pool FROM walled_cause WHERE reason = :reason FOR UPDATE"), {"reason": reason}
    )
    session.execute(_CHANGE, {"reason": reason, "pool": pool})
    rows.rewrite_groups(session)
    operations.record(
        session, actor, "walled_garden.changed", "walled_garden", None, operator_path="",
        before={"reason": reason, "pool": before}, after={"reason": reason, "pool": pool},
        personal=False,
    )  # fmt: skip
