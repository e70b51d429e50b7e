"""Waiting for a file and fetching it."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, abort, render_template, stream_with_context
from werkzeug.wrappers import Response

from console.api_client import ServiceApi
from console.context import apis

pages = Blueprint("exports", __name__, url_prefix="/exports")
ENDED = ("succeeded", "failed", "cancelled", "removed")


def service_named(name: str) -> ServiceApi:
    """404 for a name that is none of the three."""
    return apis().by_name.get(name) or abort(404)


@pages.get("/<service>/<uuid:export_id>")
def show(service: str, export_id: UUID) -> str:
    export = service_named(service).export_state(export_id).body
    live = export["state"] not in ENDED
    return render_template("export.html", export=export, service=service, live=live)


@pages.get("/<service>/<uuid:export_id>/file")
def file(service: str, export_id: UUID) -> Response:
    """Passed on as it comes; the service checks who asks."""
    found = service_named(service).export_file(export_id)
    return Response(stream_with_context(found.chunks), headers=dict(found.headers))
