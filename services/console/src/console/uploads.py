"""Files that an operator sends: how large they may be, and by which media type a service takes them."""

from __future__ import annotations

from pathlib import PurePath
from typing import IO

from flask import Flask, request
from werkzeug.datastructures import FileStorage

from console.api_client import Refused

# As much as the services take; every other form is bounded far below (web.MOST_FORM).
MOST_FILE = 20 * 1024 * 1024
TAKEN_BY = ("statements.send", "imports.send", "imports.columns")
KINDS = {
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
}


def install(app: Flask) -> None:
    @app.before_request
    def take_files() -> None:
        if request.endpoint in TAKEN_BY:
            request.max_content_length = MOST_FILE


def opened(file: FileStorage | None) -> tuple[str, IO[bytes]]:
    """Its media type, and the file. Raises Refused for one that no service would read."""
    kind = KINDS.get(PurePath(file.filename or "").suffix.lower()) if file else None
    if file is None or kind is None:
        detail = f"Choose a file that ends in {', '.join(KINDS)}."
        raise Refused.here("No file that can be read", "file", "file", detail)
    return kind, file.stream
