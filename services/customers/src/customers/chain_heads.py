"""The head of every service's operations log, once a day, signed (B21, A39).

The chain shows who changed a row; who may rewrite the database could rewrite all of it. The signed head
is what cannot be: kept elsewhere, it says what the chain was. A day later the next one is taken with a
look whether the one before still stands.

`token` is a compact JWS (RFC 7515), algorithm Ed25519 (RFC 9864), by the key `kid` of
`/.well-known/jwks.json`, over `{"service", "position", "hash", "at"}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import requests
from joserfc import jws
from sqlalchemy import column, select, table, text
from sqlalchemy.orm import Session

from customers import signing_keys
from customers.certificates import canonical
from customers.settings import Settings
from customers.webhooks.fanning import SOURCES, authorization
from shared import operations
from shared.database import Database, uuid7
from shared.logs import logger
from shared.operations import SYSTEM, SYSTEM_PATH
from shared.ticks import is_done, tick
from shared.tokens import ALGORITHM

log = logger("chain_heads")
DAY = 86_400
FIELDS = ("id", "service", "position", "hash", "former_fits", "at", "kid", "token")
chain_head = table("chain_head", *(column(name) for name in FIELDS))
seal = table("operation_seal", column("position"), column("hash"))


@dataclass(frozen=True)
class Head:
    """What a service told; `former_fits` whether the head taken last still stands, None: it was the first."""

    position: int
    hash: str
    former_fits: bool | None


def take_due(database: Database, settings: Settings) -> int:
    """Today's heads that are not there yet; how many. A service that is away is asked again later."""
    taken = 0
    for service in SOURCES:
        with database.transaction() as session:
            taken_today = is_done(session, _name(service), DAY)
            former = _last(session, service)
        if taken_today:
            continue
        told = (
            _own(database, former)
            if service == settings.service
            else _foreign(settings, service, former)
        )
        if told is not None:
            taken += _keep(database, settings, service, told)
    return taken


def _name(service: str) -> str:
    return f"customers.head.{service}"


def _last(session: Session, service: str) -> Any:
    return session.execute(
        select(chain_head)
        .where(chain_head.c.service == service)
        .order_by(chain_head.c.at.desc())
        .limit(1)
    ).one_or_none()


def _own(database: Database, former: Any) -> Head | None:
    with database.transaction() as session:
        operations.seal(session)
        found = operations.head(session)
        stands = operations.head(session, former.position) if former else None
    if found is None:
        return None
    fits = None if former is None else stands is not None and stands.hash == former.hash
    return Head(found.position, found.hash, fits)


def _foreign(settings: Settings, service: str, former: Any) -> Head | None:
    """None while it is away, or has no log yet."""
    try:
        found = _ask(settings, service)
        stands = _ask(settings, service, former.position) if former else None
    except requests.RequestException as error:
        log.warning("chain_heads.away", service=service, error=type(error).__name__)
        return None
    if found is None:
        return None
    fits = None if former is None else stands is not None and stands["hash"] == former.hash
    return Head(int(found["position"]), str(found["hash"]), fits)


def _ask(settings: Settings, service: str, position: int | None = None) -> Any:
    answer = requests.get(
        f"{settings.urls[service]}/v1/operations/head",
        params={} if position is None else {"position": str(position)},
        headers=authorization(settings),
        timeout=(2, 20),
    )
    if answer.status_code == 404:
        return None
    answer.raise_for_status()
    return answer.json()


def _keep(database: Database, settings: Settings, service: str, told: Head) -> bool:
    def work(session: Session) -> dict[str, Any]:
        _sign(session, settings.secret_key, service, told)
        return {"position": told.position, "former_fits": told.former_fits}

    return tick(database, _name(service), DAY, work)


def _sign(session: Session, secret: bytes, service: str, told: Head) -> None:
    key = signing_keys.current(session, secret)
    at = session.scalar(text("SELECT now()"))
    payload = {
        "service": service,
        "position": told.position,
        "hash": told.hash,
        "at": at.isoformat(),
    }
    token = jws.serialize_compact(
        {"alg": ALGORITHM, "kid": key.kid}, canonical(payload), key, algorithms=[ALGORITHM]
    )
    made = UUID(str(uuid7()))
    session.execute(
        text(
            "INSERT INTO chain_head (id, service, position, hash, former_fits, at, kid, token)"
            " VALUES (:id, :service, :position, :hash, :fits, :at, :kid, :token)"
        ),
        {"id": made, "service": service, "position": told.position, "hash": told.hash,
         "fits": told.former_fits, "at": at, "kid": key.kid, "token": token},
    )  # fmt: skip
    if told.former_fits is False:
        log.error("chain_heads.rewritten", service=service, position=told.position)
    operations.record(
        session, SYSTEM, "chain_head.signed", "chain_head", made, operator_path=SYSTEM_PATH,
        after=orjson.loads(canonical(payload)) | {"former_fits": told.former_fits}, personal=False,
    )  # fmt: skip


def listed(service: str | None) -> Any:
    """Heads, and whether each of our own still stands in the chain now."""
    h = chain_head.c
    fits = select(seal.c.hash == h.hash).where(seal.c.position == h.position).scalar_subquery()
    query = select(chain_head, fits.label("stands"))
    return query if service is None else query.where(h.service == service)


def body(row: Any) -> dict[str, Any]:
    own = row.service == "customers"
    return {name: getattr(row, name) for name in FIELDS} | {
        "fits": bool(row.stands) if own else None
    }


def broken(session: Session) -> int:
    """Heads after which a chain was rewritten: alarm on any."""
    return int(
        session.scalar(text("SELECT count(*) FROM chain_head WHERE former_fits IS FALSE")) or 0
    )
