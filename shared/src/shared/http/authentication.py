"""Who calls and whether they may. Every route says `@permission("…")` or `@public`; one that says
neither keeps the service from starting."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, request
from sqlalchemy import text

from shared import addresses
from shared.database import Database
from shared.http.problems import Problem
from shared.operations import Actor
from shared.settings import Settings
from shared.tokens import BadToken, Principal, Verifier

View = TypeVar("View", bound=Callable[..., Any])
FRAMEWORK = ("static", "api-docs.")
KeyLookup = Callable[[Database, str], Principal | None]


def permission(name: str) -> Callable[[View], View]:
    """The caller needs this permission (shared.tokens.PERMISSIONS)."""

    def mark(view: View) -> View:
        view.permission = name  # type: ignore[attr-defined]
        # For OpenAPI: flask-smorest merges it into the operation.
        view._apidoc = {  # type: ignore[attr-defined]
            "manual_doc": {"security": [{"bearer": []}], "x-permission": name}
        }
        return view

    return mark


def public(view: View) -> View:
    """Anybody may call this route."""
    view.permission = None  # type: ignore[attr-defined]
    return view


def principal() -> Principal:
    return cast(Principal, g.principal)


def require(permission: str) -> None:
    """For what a route does beyond its own permission. Raises Problem 403."""
    if not principal().may(permission):
        raise Problem(
            403, "forbidden", "Not allowed", f"This needs the permission {permission}.",
            permission=permission,
        )  # fmt: skip


def actor() -> Actor:
    """The caller as the operations log names them."""
    caller = principal()
    return Actor(
        name=caller.name,
        id=caller.id,
        path=caller.path,
        ip=client_address(),
        request_id=g.request_id,
    )


def client_address() -> str:
    """Where the person sits who calls: behind the console, behind trusted proxies, or the peer itself."""
    settings: Settings = current_app.extensions["tenure.settings"]
    told = addresses.vouched(request.headers.get(addresses.HEADER, ""), settings.service_secret)
    return told or addresses.behind(
        settings.trusted_proxies,
        request.remote_addr or "",
        request.headers.get("X-Forwarded-For", ""),
    )


def permission_of(app: Flask, endpoint: str) -> str | None:
    """The permission a route asks for; None when public. Raises LookupError when it says neither."""
    view: Any = app.view_functions[endpoint]
    methods = getattr(getattr(view, "view_class", None), "permission", "missing")
    found = getattr(view, "permission", methods)
    if found == "missing":
        raise LookupError(f"{endpoint} says neither @permission nor @public")
    return cast("str | None", found)


def install(app: Flask, database: Database, verifier: Verifier, find_key: KeyLookup) -> None:
    @app.before_request
    def authenticate() -> None:
        if request.endpoint is None or request.endpoint.startswith(FRAMEWORK):
            return
        needed = permission_of(current_app, request.endpoint)
        if needed is None:
            return
        g.principal = _caller(database, verifier, find_key)
        require(needed)


def _caller(database: Database, verifier: Verifier, find_key: KeyLookup) -> Principal:
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise _unauthenticated("Send Authorization: Bearer with a token or an API key.")
    if credential.startswith("tnr_"):
        found = find_key(database, hashlib.sha256(credential.encode()).hexdigest())
        if found is None:
            raise _unauthenticated("This API key is unknown, expired or revoked.")
        return found
    try:
        return verifier.verify(credential)
    except BadToken as error:
        raise _unauthenticated("This token is not valid any more; sign in again.") from error


def _unauthenticated(detail: str) -> Problem:
    return Problem(
        401, "unauthenticated", "Sign in first", detail, headers={"WWW-Authenticate": "Bearer"}
    )


def key_from_facts(database: Database, digest: str) -> Principal | None:
    """An API key as customers told of it in events."""
    with database.transaction() as session:
        row = session.execute(
            text("SELECT * FROM api_key_fact WHERE digest = :digest AND NOT revoked"),
            {"digest": digest},
        ).one_or_none()
    if row is None or (row.expires_at and row.expires_at < datetime.now(UTC)):
        return None
    return Principal(
        id=row.operator_id,
        name=row.operator_username,
        role=row.role,
        path=row.operator_path,
        scopes=frozenset(row.scopes),
    )
