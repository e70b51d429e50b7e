"""The site's own secrets."""

import re
from pathlib import Path

import pytest

from local_site import secrets

pytestmark = pytest.mark.unit


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    made = secrets.load_or_make(file)
    assert set(made) == {"TENURE_SECRET_KEY", "TENURE_SERVICE_SECRET", "RADIUS_HEALTH_SECRET"}
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in made.values())
    assert file.stat().st_mode & 0o777 == 0o600
    assert secrets.load_or_make(file) == made


def test_a_secret_an_older_release_did_not_know_is_added(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    file.write_text("# kept by hand\nTENURE_SECRET_KEY=abc\n")
    assert secrets.load_or_make(file)["TENURE_SECRET_KEY"] == "abc"
    assert file.read_text().startswith("# kept by hand\nTENURE_SECRET_KEY=abc\n")
    assert "TENURE_SERVICE_SECRET=" in file.read_text()
