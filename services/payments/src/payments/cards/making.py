"""A batch of cards as a job: digests into the database, PINs into a sealed file, both or neither."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from payments.cards import pins
from payments.cards.sealed_file import Sealer
from payments.persistence import cards
from payments.settings import PaymentsSettings
from shared.database import Database
from shared.exports.files import placed
from shared.jobs import Kind, Row

KIND = "recharge_cards.make"
# A transaction of so many takes some 0.3 s; a stop waits for no more than that.
BLOCK = 10_000
TITLES = b"serial,pin,value,currency,expires_at\n"


def file_of(settings: PaymentsSettings, batch_id: UUID) -> Path:
    return settings.home / "recharge-cards" / f"cards-{batch_id}.sealed"


def making(settings: PaymentsSettings) -> Kind:
    """A crash leaves a batch that is not made: the next attempt begins again with new PINs."""

    def whole(database: Database, job: Row, progress: Callable[[int], None]) -> dict[str, Any]:
        with database.transaction() as session:
            batch = cards.batch(session, UUID(job.params["batch_id"]))
        if batch.made_at is not None:
            return _result(batch)
        with database.transaction() as session:
            cards.drop_unmade(session, batch.id)
        path = file_of(settings, batch.id)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _fill(database, settings, batch, path, progress)
        with path.open("rb") as file, database.transaction() as session:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            cards.mark_made(session, batch.id, sha256, settings.export_hours)
            return _result(cards.batch(session, batch.id))

    return Kind(name=KIND, permission="recharge_cards.write", whole=whole)


def _result(batch: Any) -> dict[str, Any]:
    return {"batch_id": str(batch.id), "cards": batch.size, "sha256": batch.sha256}


def _fill(
    database: Database,
    settings: PaymentsSettings,
    batch: Any,
    path: Path,
    progress: Callable[[int], None],
) -> None:
    key = pins.pin_key(settings.digest_key)
    tail = f",{batch.value.normalize():f},{batch.currency},{batch.expires_at.isoformat()}\n"
    with placed(path) as file:
        sealer = Sealer(file, batch.salt, batch.public_key)
        sealer.write(TITLES)
        for first in range(1, batch.size + 1, BLOCK):
            last = min(first + BLOCK - 1, batch.size)
            serials = [cards.serial(batch.series, number) for number in range(first, last + 1)]
            drawn = pins.draw(len(serials))
            digests = [pins.digest(pin, key) for pin in drawn]
            with database.transaction() as session:
                cards.add(session, batch, first, digests)
            lines = (
                f"{one},{pins.shown(pin)}{tail}" for one, pin in zip(serials, drawn, strict=True)
            )
            sealer.write("".join(lines).encode())
            progress(last)
        sealer.end()
