"""The site's own secrets: made at the first run, kept beside its data."""

import os
from pathlib import Path
from secrets import token_hex

NAMES = ("TENURE_SECRET_KEY", "TENURE_SERVICE_SECRET", "RADIUS_HEALTH_SECRET")
_BYTES = 32  # as long as the SHA-256 that signs with it; 64 hex digits


def load_or_make(file: Path) -> dict[str, str]:
    """Secrets by name, each 64 hex digits, from `file` (0600), which the first call writes.

    A name that an older release did not know is added; what is there never changes.
    """
    kept = dict(_pairs(file)) if file.exists() else {}
    missing = {name: token_hex(_BYTES) for name in NAMES if name not in kept}
    if missing:
        _append(file, missing)
    return kept | missing


def _pairs(file: Path) -> list[tuple[str, str]]:
    lines = (line.strip() for line in file.read_text().splitlines())
    parted = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return [(name, value) for name, _, value in parted]


def _append(file: Path, secrets: dict[str, str]) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w") as output:
        output.writelines(f"{name}={value}\n" for name, value in secrets.items())
