"""Who calls: short-lived EdDSA tokens issued by customers, verified offline by the others; service
tokens signed with the site's own secret; and what each role may do."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import requests
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey, OKPKey
from joserfc.jwt import JWTClaimsRegistry

from shared.database import EVERYTHING, Scope

ISSUER = "tenure"
# EdDSA with its curve named: RFC 9864 retires the name that leaves it open.
ALGORITHM = "Ed25519"
# Ten minutes: an operator who is dismissed loses access soon, and nobody signs in all day long.
TOKEN_SECONDS = 600
SERVICE_TOKEN_SECONDS = 60

# Tokens known again, of as many operators as sign in within ten minutes: a megabyte at most.
MOST_KNOWN = 2000

Role = Literal["admin", "manager", "reseller", "service"]

_RESELLER = {
    "customers.read", "customers.write", "customers.delete", "customers.restore", "customers.activate",
    "holds.write", "packages.read", "operators.read", "operations.read", "preferences.write",
    "payments.read", "payments.write", "bills.read", "exports.write", "imports.write", "jobs.read",
    "jobs.write", "sessions.read", "sessions.disconnect", "subscribers.read", "events.read",
    "erasures.read", "usage.read", "promises.write", "cash.read", "cash.write",
    "recharge_cards.read", "recharge_cards.redeem",
    "payment_intents.write", "payment_reviews.read",
}  # fmt: skip
_MANAGER = _RESELLER | {
    "packages.write", "operators.write", "api_keys.write", "payments.void", "payments.refund",
    "bills.write", "bills.void", "nas.read", "erasures.write", "webhooks.write", "reports.read",
    "cash_limits.write", "adjustments.write", "credit_notes.write", "write_offs.write", "credits.reverse",
    "recharge_cards.write", "legal_holds.write", "retention.read", "payment_reviews.decide",
    "webhooks.read", "number_patterns.write",
}  # fmt: skip
# `*` stands for every permission, those of tomorrow too.
PERMISSIONS: dict[Role, frozenset[str]] = {
    "reseller": frozenset(_RESELLER),
    "manager": frozenset(_MANAGER),
    "admin": frozenset({"*"}),
    "service": frozenset({"events.read", "data_subjects.read"}),
}


class BadToken(ValueError):
    """The token is not one of ours, not for now, or broken."""


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The caller. `path` is the branch of the operator tree; None for a service: all of it.

    `scopes` narrows an API key below its operator's role; None means the whole role.
    `since` is when the operator signed in (Unix seconds), kept through renewals of the token;
    `generation` is the operator's then: one that has grown since ends the renewals.
    """

    id: UUID | None
    name: str
    role: Role
    path: str | None
    scopes: frozenset[str] | None = field(default=None)
    since: int | None = field(default=None, compare=False)
    generation: int | None = field(default=None, compare=False)

    @property
    def scope(self) -> Scope:
        # The root operator's branch is everything: no row-level filter is paid for.
        root = self.path is None or self.path.count("/") == 1
        return EVERYTHING if root else Scope(self.path)

    def may(self, permission: str) -> bool:
        granted = PERMISSIONS[self.role]
        if "*" not in granted and permission not in granted:
            return False
        return self.scopes is None or "*" in self.scopes or permission in self.scopes


def issue(principal: Principal, key: OKPKey, *, now: float | None = None) -> str:
    """A token for an operator, signed by customers' key."""
    moment = int(now or time.time())
    claims = {
        "iss": ISSUER,
        "sub": str(principal.id),
        "name": principal.name,
        "role": principal.role,
        "path": principal.path,
        "auth_time": moment if principal.since is None else principal.since,
        "generation": principal.generation,
        "iat": moment,
        "exp": moment + TOKEN_SECONDS,
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])


def service_token(service: str, secret: str) -> str:
    """For a call from one service to another."""
    moment = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": service,
        "role": "service",
        "iat": moment,
        "exp": moment + SERVICE_TOKEN_SECONDS,
    }
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret), algorithms=["HS256"])


class Verifier:
    """Verifies both kinds of token. `keys` gives the current key set, afresh when asked to.

    An operator's token that was verified is known again until it expires, or the key set is another
    one: checking a signature takes as long as a small query, and a front end sends one token often.
    """

    def __init__(self, keys: Callable[[bool], KeySet], service_secret: str) -> None:
        self.keys = keys
        self.known: dict[bytes, tuple[KeySet, float, Principal]] = {}
        self.service_key = OctKey.import_key(service_secret)
        self.claims = JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER},
            exp={"essential": True},
            sub={"essential": True},
        )

    def verify(self, token: str) -> Principal:
        """Raises BadToken."""
        try:
            digest = hashlib.sha256(token.encode()).digest()
            keys, expires, who = self.known.get(digest, (None, 0.0, None))
            if who is not None and keys is self.keys(False) and time.time() < expires:
                return who
            if _algorithm(token) == "HS256":
                claims = jwt.decode(token, self.service_key, algorithms=["HS256"]).claims
                self.claims.validate(claims)
                if claims.get("role") != "service":
                    raise BadToken("a service's key signs for services only")
                return Principal(id=None, name=claims["sub"], role="service", path=None)
            claims, keys = self._operator_claims(token)
            self.claims.validate(claims)
            who = _operator(claims)
            if len(self.known) >= MOST_KNOWN:
                self.known = {}
            self.known[digest] = keys, float(claims["exp"]), who
            return who
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise BadToken(str(error)) from error

    def _operator_claims(self, token: str) -> tuple[dict[str, Any], KeySet]:
        keys = self.keys(False)
        try:
            return jwt.decode(token, keys, algorithms=[ALGORITHM]).claims, keys
        except (JoseError, ValueError):
            # The key may be newer than our copy of the set.
            keys = self.keys(True)
            return jwt.decode(token, keys, algorithms=[ALGORITHM]).claims, keys


def _operator(claims: dict[str, Any]) -> Principal:
    role, path = claims["role"], claims["path"]
    if role not in ("admin", "manager", "reseller") or not isinstance(path, str):
        raise BadToken("claims not understood")
    return Principal(
        id=UUID(claims["sub"]), name=claims["name"], role=role, path=path,
        since=claims.get("auth_time"), generation=claims.get("generation"),
    )  # fmt: skip


def _algorithm(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers().get("alg"))


class KeysAway(Exception):
    """Customers, whose keys say who a caller is, does not answer."""


class PublishedKeys:
    """The key set at customers' /.well-known/jwks.json, kept in memory; asked again at most every 5 s.

    A call raises KeysAway.
    """

    def __init__(self, url: str) -> None:
        self.url = f"{url}/.well-known/jwks.json"
        self.lock = threading.Lock()
        self.kept: KeySet | None = None
        self.asked = 0.0

    def __call__(self, afresh: bool) -> KeySet:
        with self.lock:
            due = self.kept is None or (afresh and time.monotonic() - self.asked > 5)
            if due:
                self.asked = time.monotonic()
                try:
                    answer = requests.get(self.url, timeout=(2, 5))
                    answer.raise_for_status()
                except requests.RequestException as error:
                    raise KeysAway(str(error)) from error
                self.kept = KeySet.import_key_set(answer.json())
            assert self.kept is not None
            return self.kept
