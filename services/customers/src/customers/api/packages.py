"""Packages, and the classes of customers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import select

from customers import classes as class_use
from customers import packages as use
from customers import views
from customers.api.answers import answered
from customers.domain import NotAllowed, Package
from customers.persistence import operators as rows
from customers.persistence import tables
from customers.schemas.operators import (
    ClassChangesSchema,
    ClassSchema,
    NewClassSchema,
    NewPackageSchema,
    PackageArguments,
    PackageChangesSchema,
    PackageSchema,
)
from shared.http import (
    Blueprint,
    PlainPageArguments,
    database,
    page,
    permission,
    principal,
    require_match,
    transaction,
)
from shared.http.operating.answering import page_of

packages = Blueprint("packages", __name__, description="What is sold, and by which rules")
p, k = tables.package.c, tables.customer_class.c


@packages.get("/v1/packages")
@packages.arguments(PackageArguments, location="query")
@packages.response(200, page_of(PackageSchema))
@permission("packages.read")
def list_packages(arguments: dict[str, Any]) -> Response:
    """What the caller may sell: packages of everybody, of the own branch, and of those above."""
    query = select(tables.package).where(rows.sellable(principal().scope))
    for name in ("retired", "operator_id"):
        if name in arguments:
            query = query.where(p[name] == arguments[name])
    if "q" in arguments:
        query = query.where(p.name.icontains(arguments["q"], autoescape=True))
    with database().transaction(principal().scope) as session:
        found = page(
            session, query, arguments, key=p.id, default_sort="name",
            sortable={"name": p.name, "price": p.price, "created_at": p.created_at},
        )  # fmt: skip
    return answered(found.body(views.package), headers=found.headers())


def _fields(fields: dict[str, Any]) -> dict[str, Any]:
    if "price" in fields:
        price = fields.pop("price")
        fields |= {"price": price["amount"], "currency": price["currency"]}
    return fields


@packages.post("/v1/packages")
@packages.arguments(NewPackageSchema)
@packages.response(201, PackageSchema)
@permission("packages.write")
def add_package(fields: dict[str, Any]) -> Response:
    """A new package. One without `operator_id` is sold by everybody, which only the root may say."""
    with transaction() as tx:
        made = use.add(tx.session, principal(), tx.actor, _fields(fields))
        return tx.answer(
            None, views.package(made), 201, version=made.version,
            headers={"Location": f"/v1/packages/{made.id}"},
        )  # fmt: skip


@packages.get("/v1/packages/<uuid:package_id>")
@packages.response(200, PackageSchema)
@permission("packages.read")
def get_package(package_id: UUID) -> Response:
    """One package, the retired too."""
    with database().transaction(principal().scope) as session:
        found = rows.package(session, principal().scope, package_id)
    return answered(views.package(found), version=found.version)


@packages.patch("/v1/packages/<uuid:package_id>")
@packages.arguments(PackageChangesSchema)
@packages.response(200, PackageSchema)
@permission("packages.write")
def change_package(changes: dict[str, Any], package_id: UUID) -> Response:
    """Change or retire a package; live customers get the new rate, what is billed stays."""
    with transaction() as tx:
        found = _own(rows.package(tx.session, principal().scope, package_id, lock=True))
        require_match(found.version)
        use.change(tx.session, tx.actor, found, _fields(changes))
        return tx.answer(None, views.package(found), version=found.version)


def _own(package: Package) -> Package:
    if not principal().scope.holds(package.operator_path):
        raise NotAllowed("This package belongs to an operator above you.")
    return package


@packages.get("/v1/customer-classes")
@packages.arguments(PlainPageArguments, location="query")
@packages.response(200, page_of(ClassSchema))
@permission("packages.read")
def list_classes(arguments: dict[str, Any]) -> Response:
    """The rules that statuses follow, per sort of customer."""
    with database().transaction(principal().scope) as session:
        found = page(
            session, select(tables.customer_class), arguments, key=k.id, default_sort="name",
            sortable={"name": k.name},
        )  # fmt: skip
    return answered(found.body(class_use.view), headers=found.headers())


@packages.post("/v1/customer-classes")
@packages.arguments(NewClassSchema)
@packages.response(201, ClassSchema)
@permission("customer_classes.write")
def add_class(fields: dict[str, Any]) -> Response:
    """Another sort of customer, with rules of its own; a customer's `class_id` says who is of it."""
    with transaction() as tx:
        made = class_use.add(tx.session, tx.actor, fields)
        return tx.answer(
            None, class_use.view(made), 201, version=made.version,
            headers={"Location": f"/v1/customer-classes/{made.id}"},
        )  # fmt: skip


@packages.get("/v1/customer-classes/<uuid:class_id>")
@packages.response(200, ClassSchema)
@permission("packages.read")
def get_class(class_id: UUID) -> Response:
    """One class."""
    with database().transaction(principal().scope) as session:
        found = rows.customer_class(session, class_id)
    return answered(class_use.view(found), version=found.version)


@packages.patch("/v1/customer-classes/<uuid:class_id>")
@packages.arguments(ClassChangesSchema)
@packages.response(200, ClassSchema)
@permission("customer_classes.write")
def change_class(changes: dict[str, Any], class_id: UUID) -> Response:
    """Change the rules; a job tells of every customer of the class anew."""
    with transaction() as tx:
        found = rows.customer_class(tx.session, class_id, lock=True)
        require_match(found.version)
        class_use.change(tx.session, tx.actor, found, changes)
        return tx.answer(None, class_use.view(found), version=found.version)
