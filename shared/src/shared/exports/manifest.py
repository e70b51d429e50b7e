"""What a finished export says about itself (seed E24: audits compare it with the books)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shared.exports.files import Format


@dataclass(frozen=True)
class Manifest:
    """Rows and sum belong to the same snapshot as the file's rows; `sha256` is of its bytes."""

    rows: int
    sum: Decimal | None
    sha256: str
    bytes: int
    format: Format
    columns: tuple[str, ...]
    written_at: datetime
    snapshot: str

    def as_json(self) -> dict[str, object]:
        """Ready for a `jsonb` column or a response: money as text, time in ISO 8601."""
        return {
            "rows": self.rows,
            "sum": None if self.sum is None else str(self.sum),
            "sha256": self.sha256,
            "bytes": self.bytes,
            "format": self.format,
            "columns": list(self.columns),
            "written_at": self.written_at.isoformat(),
            "snapshot": self.snapshot,
        }
