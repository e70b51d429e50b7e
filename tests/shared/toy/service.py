"""The toy's tables, subscriptions, jobs, exports and routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import marshmallow as ma
import orjson
from flask import Flask, Response
from joserfc.jwk import KeySet, OKPKey
from sqlalchemy import UUID as UuidType
from sqlalchemy import BigInteger, DateTime, MetaData, Numeric, Select, Table, Text, select, text
from sqlalchemy import Column as TableColumn
from sqlalchemy.orm import Session

from shared import exporting, exports, migrating, operations
from shared.database import Database, Scope, uuid7
from shared.events import CustomerCreated, CustomerUpdated, Wire
from shared.http import (
    Blueprint,
    PageArguments,
    create_app,
    database,
    page,
    permission,
    principal,
    require_match,
    transaction,
)
from shared.http.exporting import exports_blueprint
from shared.http.operating import accepted
from shared.http.operating.answering import as_json
from shared.http.problems import not_found
from shared.http.validators import etag
from shared.inbox import Subscriptions
from shared.jobs import Jobs, Kind, Row, Verdict, enqueue
from shared.settings import Settings
from shared.tokens import Principal, Role, issue

KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "toy"})

thing = Table(
    "thing",
    MetaData(),
    TableColumn("id", UuidType(as_uuid=True), primary_key=True),
    TableColumn("version", BigInteger),
    TableColumn("name", Text, nullable=False),
    TableColumn("phone", Text, nullable=True),
    TableColumn("amount", Numeric(14, 2), nullable=True),
    TableColumn("operator_path", Text(collation="C"), nullable=False),
    TableColumn("at", DateTime(timezone=True), nullable=False),
)


def migrate(settings: Settings) -> None:
    migrating.migrate(settings, Path(__file__).with_name("migrations"))


# ---------------------------------------------------------------- events in
SUBSCRIPTIONS = Subscriptions("payments")


@SUBSCRIPTIONS.hears(CustomerCreated, CustomerUpdated)
def keep_things(session: Session, events: Sequence[Wire]) -> None:
    """Newest version of each wins. A name of `poison` cannot be taken."""
    session.execute(
        text(
            "INSERT INTO thing (id, version, name, operator_path)"
            " SELECT DISTINCT ON (e.id) e.id, e.version,"
            " CASE e.name WHEN 'poison' THEN NULL ELSE e.name END, e.path"
            " FROM jsonb_to_recordset(CAST(:events AS jsonb))"
            " AS e(id uuid, version bigint, name text, path text) ORDER BY e.id, e.version DESC"
            " ON CONFLICT (id) DO UPDATE SET version = excluded.version, name = excluded.name"
            " WHERE thing.version < excluded.version"
        ),
        {
            "events": orjson.dumps(
                [
                    {
                        "id": event["subject"],
                        "version": event["sequence"],
                        "name": event["data"]["customer"]["name"],
                        "path": event["operatorpath"],
                    }
                    for event in events
                ]
            ).decode()
        },
    )


# ---------------------------------------------------------------- jobs
def rename(session: Session, job: Row, subjects: Sequence[UUID]) -> Mapping[UUID, Verdict]:
    """Put a prefix before each name. A thing called `bad` cannot be renamed."""
    done = session.scalars(
        text(
            "UPDATE thing SET name = :prefix || name, amount = 1 / (name <> 'bad')::int"
            " WHERE id = ANY(:ids) RETURNING id"
        ),
        {"prefix": job.params["prefix"], "ids": list(subjects)},
    )
    return {subject: ("done", {"prefix": job.params["prefix"]}) for subject in done}


def unname(session: Session, job: Row, subjects: Sequence[UUID]) -> Mapping[UUID, Verdict]:
    done = session.scalars(
        text("UPDATE thing SET name = substr(name, :from) WHERE id = ANY(:ids) RETURNING id"),
        {"from": len(job.params["prefix"]) + 1, "ids": list(subjects)},
    )
    return {subject: ("done", {}) for subject in done}


class ThingFilter(ma.Schema):
    name = ma.fields.String(validate=ma.validate.Length(max=50))


def things_found(filters: Mapping[str, Any], scope: Scope) -> Select[Any]:
    query = select(thing).where(scope.covers(thing.c.operator_path)).order_by(thing.c.name)
    return query.where(thing.c.name == filters["name"]) if "name" in filters else query


THINGS = exporting.Resource(
    name="things",
    columns=(
        exports.Column("name", "Name", "text", thing.c.name),
        exports.Column("phone", "Phone", "phone", thing.c.phone),
        exports.Column("amount", "Amount", "money", thing.c.amount),
    ),
    select=things_found,
    permission="customers.read",
    filters=ThingFilter,
    sum_column="amount",
    sortable={"name": thing.c.name, "phone": thing.c.phone, "amount": thing.c.amount},
    key=(thing.c.id,),
)


def jobs(settings: Settings) -> Jobs:
    return Jobs(
        Kind(
            name="rename",
            permission="customers.write",
            chunk=rename,
            inverse="unname",
            finish=lambda _s, _j: {"renamed": True},
        ),  # fmt: skip
        Kind(name="unname", permission="customers.delete", chunk=unname),
        exporting.export_kind([THINGS], settings),
    )


# ---------------------------------------------------------------- HTTP
things = Blueprint("things", __name__, description="Things")


class ThingSchema(ma.Schema):
    id = ma.fields.UUID(dump_only=True)
    name = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=50))
    phone = ma.fields.String(allow_none=True)
    amount = ma.fields.Decimal(places=2, as_string=True, allow_nan=False, allow_none=True)
    version = ma.fields.Integer(dump_only=True)


class ThingBody(ma.Schema):
    name = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=50))
    phone = ma.fields.String(allow_none=True)
    amount = ma.fields.Decimal(places=2, as_string=True, allow_nan=False, allow_none=True)
    number = ma.fields.Integer()


class RenameBody(ma.Schema):
    prefix = ma.fields.String(required=True)


@things.get("/v1/things")
@things.arguments(PageArguments, location="query")
@things.response(200)
@permission("customers.read")
def list_things(arguments: dict[str, Any]) -> Any:
    scope = principal().scope
    query = select(thing).where(scope.covers(thing.c.operator_path))
    with database().transaction(scope) as session:
        found = page(
            session, query, arguments, key=thing.c.id, default_sort="name",
            sortable={"name": thing.c.name, "phone": thing.c.phone, "amount": thing.c.amount},
        )  # fmt: skip
    return found.body(ThingSchema().dump), 200, found.headers()


@things.post("/v1/things")
@things.arguments(ThingBody)
@things.response(201, ThingSchema)
@permission("customers.write")
def create_thing(body: dict[str, Any]) -> Any:
    with transaction() as tx:
        row = add_thing(tx.session, principal().path or "", body["name"], body.get("phone"))
        operations.record(
            tx.session, tx.actor, "thing.created", "thing", row.id, operator_path=row.operator_path
        )
        return tx.answer(ThingSchema(), row, 201, subject=row.id, version=1)


@things.get("/v1/things/<uuid:thing_id>")
@things.response(200)
@permission("customers.read")
def get_thing(thing_id: UUID) -> Response:
    with database().transaction() as session:
        row = session.execute(select(thing).where(thing.c.id == thing_id)).one()
    return as_json(ThingSchema().dump(row), {"ETag": etag(row.version)})


@things.patch("/v1/things/<uuid:thing_id>")
@things.arguments(RenameBody)
@things.response(200, ThingSchema)
@permission("customers.write")
def patch_thing(body: dict[str, Any], thing_id: UUID) -> Any:
    with transaction() as tx:
        row = tx.session.execute(select(thing).where(thing.c.id == thing_id)).one_or_none()
        if row is None:
            raise not_found("thing")
        require_match(row.version)
        return tx.answer(ThingSchema(), row, version=row.version)


@things.post("/v1/things/rename")
@things.arguments(RenameBody)
@things.response(202)
@permission("jobs.write")
def rename_things(body: dict[str, Any]) -> Any:
    with transaction(key_required=True) as tx:
        path = principal().path or ""
        job = enqueue(
            tx.session, "rename", tx.actor, operator_path=path, params=body,
            select=("SELECT id FROM thing ORDER BY name", {}),
        )  # fmt: skip
        return accepted(tx, job)


@things.post("/v1/things/explode")
@things.response(200)
@permission("customers.read")
def explode() -> Any:
    """A fault of ours, whose text must not reach the caller."""
    raise RuntimeError("secret detail of the inside")


def add_thing(session: Session, path: str, name: str, phone: str | None = None) -> Any:
    return session.execute(
        text(
            "INSERT INTO thing (id, name, phone, operator_path)"
            " VALUES (:id, :name, :phone, :path) RETURNING *"
        ),
        {"id": str(uuid7()), "name": name, "phone": phone, "path": path},
    ).one()


def build(settings: Settings, database: Database | None = None) -> Flask:
    return create_app(
        settings,
        "Toy",
        [things, exports_blueprint([THINGS])],
        keys=lambda _afresh: KeySet([KEY]),
        jobs=jobs(settings),
        subscriptions=SUBSCRIPTIONS,
        database=database,
    )


class Bearer(Mapping[str, str]):
    """The header of a caller, signed afresh whenever it is read: a whole test run outlasts a token."""

    def __init__(self, who: Principal) -> None:
        self.who = who

    def __getitem__(self, name: str) -> str:
        if name != "Authorization":
            raise KeyError(name)
        return f"Bearer {issue(self.who, KEY)}"

    def __iter__(self) -> Iterator[str]:
        return iter(["Authorization"])

    def __len__(self) -> int:
        return 1


def bearer(path: str = "1/", role: Role = "admin", id: UUID | None = None) -> Bearer:
    """Headers of an operator at `path`."""
    who = Principal(
        id=id or UUID(int=int(path.rstrip("/").rpartition("/")[2])), name=f"operator {path}",
        role=role, path=path,
    )  # fmt: skip
    return Bearer(who)
