"""What the browser tests need of the machine."""

import ctypes
from pathlib import Path

import pytest

from local_site import chromium


def test_a_browser_without_the_library_of_its_driver_counts_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bare Debian has no libatomic, and Playwright's driver then ends without a word."""
    (tmp_path / "chromium").write_text("#!/bin/sh\n")
    (tmp_path / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(ctypes, "CDLL", lambda library: None)
    assert chromium.is_installed()

    def not_there(library: str) -> None:
        raise OSError(f"{library}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", not_there)
    assert not chromium.is_installed()
