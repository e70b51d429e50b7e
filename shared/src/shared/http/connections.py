"""A connection goes on only when the request on it was read to its end.

The server closes one with an unread body after the answer, without a word: the caller's next request
on it then fails. It depends on whether the body had arrived when the answer was made.
"""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

# What is read and thrown away at most; a longer body costs the caller a new connection.
MOST_REST = 64 * 1024


def keep_alive(app: Flask) -> None:
    """Read what an early answer left of a body, or say that the connection ends."""

    @app.after_request
    def finish(response: Response) -> Response:
        if not _read_to_the_end():
            response.headers["Connection"] = "close"
        return response


def _read_to_the_end() -> bool:
    length = request.content_length
    if length is None:
        return "Transfer-Encoding" not in request.headers
    if request.max_content_length is not None and length > request.max_content_length:
        return False
    rest = 0
    try:
        while rest <= MOST_REST and (piece := request.stream.read(MOST_REST)):
            rest += len(piece)
    except (HTTPException, OSError):  # the caller has gone
        return False
    return rest <= MOST_REST
