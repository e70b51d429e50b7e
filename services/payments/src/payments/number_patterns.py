"""Operators' own patterns of numbers: of receipts, bills, proforma bills and credits (E28, E33)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from payments.persistence import number_patterns as stored
from payments.series import KINDS
from payments.settings import PaymentsSettings
from shared import operations
from shared.operations import Actor


def shared(row: Any, patterns: Mapping[str, str | None]) -> list[str]:
    """The kinds whose new pattern lets several operators share a series: it does not name the operator."""
    return [
        kind for kind, pattern in patterns.items()
        if pattern is not None and "{operator}" not in pattern and pattern != row.patterns.get(kind)
    ]  # fmt: skip


def change(session: Session, row: Any, patterns: Mapping[str, str | None], actor: Actor) -> None:
    """Write over the operator's `row`, which is locked; None takes a pattern back."""
    own = {kind: pattern for kind, pattern in patterns.items() if pattern is not None}
    stored.write(session, row.operator_id, own)
    operations.record(
        session, actor, "number_patterns.changed", "operator", row.operator_id,
        operator_path=row.operator_path, personal=False, before=row.patterns, after=own,
    )  # fmt: skip


def in_force(session: Session, operator_id: UUID, settings: PaymentsSettings) -> dict[str, str]:
    """By kind: the nearest one up the operator's branch, else the site's."""
    site = {kind: getattr(settings, f"{kind}_pattern") for kind in KINDS}
    return {**site, **stored.nearest(session, operator_id, KINDS)}
