"""Sign-in, the key set that verifies tokens, and who one is."""

from __future__ import annotations

import time
from typing import Any

import orjson
from flask import Response
from sqlalchemy.orm import Session

from customers import operators as use
from customers import signing_in, signing_keys, views
from customers.api.answers import answered, settings
from customers.persistence import operators as rows
from customers.schemas.operators import (
    CredentialsSchema,
    JsonWebKeySetSchema,
    MeSchema,
    OwnPasswordSchema,
    TokenSchema,
)
from shared.database import EVERYTHING
from shared.http import (
    Blueprint,
    Problem,
    client_address,
    database,
    permission,
    principal,
    public,
    transaction,
)
from shared.http.problems import invalid
from shared.tokens import PERMISSIONS, TOKEN_SECONDS, Principal, issue

tokens = Blueprint("tokens", __name__, description="Sign in; who am I")


@tokens.post("/v1/tokens")
@tokens.arguments(CredentialsSchema)
@tokens.response(200, TokenSchema)
@public
def sign_in(credentials: dict[str, str]) -> Response:
    """A token for ten minutes. Ten wrong tries in five minutes: 429."""
    kept = settings()
    try:
        caller = signing_in.sign_in(
            database(),
            credentials["username"],
            credentials["password"],
            address=client_address(),
            secret=kept.secret_key,
            demo=kept.demo,
        )
    except signing_in.Throttled as throttled:
        raise _throttled(throttled) from throttled
    except signing_in.Refused as refused:
        raise Problem(
            401, "unauthenticated", "Not signed in", "Username or password is wrong.",
            headers={"WWW-Authenticate": "Bearer"},
        ) from refused  # fmt: skip
    with database().transaction() as session:
        return _token(session, caller)


def _throttled(throttled: signing_in.Throttled) -> Problem:
    return Problem(
        429, "too-many-requests", "Too many tries", "Wait, then try again.",
        headers={"Retry-After": str(throttled.seconds)},
    )  # fmt: skip


@tokens.post("/v1/tokens/renew")
@tokens.response(200, TokenSchema)
@permission("operators.read")
def renew() -> Response:
    """A new token for one that is still valid, within 12 hours of signing in; not for API keys."""
    with database().transaction() as session:
        try:
            return _token(session, signing_in.renew(session, principal(), time.time()))
        except signing_in.Refused as refused:
            raise Problem(
                401, "unauthenticated", "Sign in again", "This token is not renewed any more.",
                headers={"WWW-Authenticate": "Bearer"},
            ) from refused  # fmt: skip


def _token(session: Session, caller: Principal) -> Response:
    return answered(_token_body(session, caller))


def _token_body(session: Session, caller: Principal) -> dict[str, Any]:
    token = issue(caller, signing_keys.current(session, settings().secret_key))
    return {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}


@tokens.post("/v1/me/password")
@tokens.arguments(OwnPasswordSchema)
@tokens.response(200, TokenSchema)
@permission("operators.read")
def change_own_password(passwords: dict[str, str]) -> Response:
    """Change the own password, of any role, proving the old one; not with an API key.

    The answer's token goes on; every other sign-in ends within ten minutes. With an Idempotency-Key
    the stored answer holds no token.
    """
    caller = principal()
    try:
        signing_in.prove(
            database(), caller, passwords["current"],
            address=client_address(), secret=settings().secret_key,
        )  # fmt: skip
    except signing_in.Throttled as throttled:
        raise _throttled(throttled) from throttled
    except signing_in.Refused as refused:
        raise invalid("current", "is not your password", "wrong") from refused
    with transaction() as tx:
        assert caller.id is not None
        found = rows.operator(tx.session, caller.scope, caller.id, lock=True)
        use.change_own_password(tx.session, tx.actor, found, passwords["new"])
        response = tx.answer(None, {"token_type": "Bearer", "expires_in": TOKEN_SECONDS})
        response.set_data(orjson.dumps(_token_body(tx.session, signing_in.principal_of(found))))
        return response


@tokens.get("/.well-known/jwks.json")
@tokens.response(200, JsonWebKeySetSchema)
@public
def key_set() -> Response:
    """RFC 7517: the public keys that verify tokens and certificates."""
    with database().transaction() as session:
        signing_keys.current(session, settings().secret_key)
        return answered(signing_keys.published(session))


@tokens.get("/v1/me")
@tokens.response(200, MeSchema)
@permission("operators.read")
def me() -> Response:
    """The caller, and what the caller may do."""
    caller = principal()
    granted = sorted(name for name in PERMISSIONS[caller.role] if caller.may(name))
    body: dict[str, Any] = {
        "id": caller.id,
        "username": caller.name,
        "name": caller.name,
        "role": caller.role,
        "operator_path": caller.path,
        "permissions": granted,
    }
    if caller.id is not None:
        with database().transaction() as session:
            found = views.operator(rows.operator(session, EVERYTHING, caller.id))
        body |= {name: found[name] for name in ("name", "parent_id", "status")}
    return answered(body)
