"""The job of an import: each row is registered as if somebody typed it, or says why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import marshmallow as ma
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import enrolling, policies, tombstones
from customers.domain import Customer, NotValid, Refusal
from customers.importing.mapping import MONEY, PLAIN
from customers.schemas.customers import NewCustomerSchema
from shared.database import Scope
from shared.jobs import Kind, Verdict
from shared.operations import Actor
from shared.sealing import unseal
from shared.settings import Settings

KIND = "customers.import"


class Trial(Exception):
    """A dry run goes back to where it began."""


def import_kind(settings: Settings) -> Kind:
    def chunk(session: Session, job: Any, subjects: Sequence[UUID]) -> Mapping[UUID, Verdict]:
        return take(session, settings.secret_key, job, subjects)

    return Kind(name=KIND, chunk=chunk, finish=_report)


def take(
    session: Session, secret: bytes, job: Any, subjects: Sequence[UUID]
) -> Mapping[UUID, Verdict]:
    """Register the next rows, a verdict for each; a dry run takes all of it back."""
    rows = session.execute(
        text("SELECT * FROM import_row WHERE id = ANY(:ids) ORDER BY line"), {"ids": list(subjects)}
    ).all()
    context = _Context(session, secret, job)
    verdicts: dict[UUID, Verdict] = {}
    try:
        with session.begin_nested():
            verdicts |= {row.id: _failed(row, map(_twin, row.twins)) for row in rows if row.twins}
            verdicts |= context.register([row for row in rows if not row.twins])
            if job.params["dry_run"]:
                raise Trial
    except Trial:
        session.expunge_all()
        return verdicts
    _settle(session, verdicts)
    return verdicts


def _twin(found: Mapping[str, Any]) -> dict[str, Any]:
    detail = f"line {found['line']} has the same"
    return {"field": found["field"], "code": "taken", "detail": detail}


def _failed(row: Any, errors: Iterable[Mapping[str, Any]]) -> Verdict:
    return "failed", {"line": row.line, "errors": list(errors)}


def _refused(row: Any, error: enrolling.Refused) -> Verdict:
    if isinstance(error, Refusal):
        return _failed(row, [_of_refusal(one) for one in error.errors])
    if isinstance(error, NotValid):
        found = {"field": error.field, "code": error.code, "detail": error.detail}
    else:
        found = {"field": "operator_id", "code": "unknown", "detail": f"no such {error}"}
    return _failed(row, [found])


class _Context:
    """What all rows of a chunk share."""

    def __init__(self, session: Session, secret: bytes, job: Any) -> None:
        self.session, self.secret, self.job = session, secret, job
        self.scope = Scope(job.operator_path or None)
        self.actor = Actor(
            name=job.actor, id=job.actor_id, path=job.operator_path, request_id=str(job.id)
        )
        self.currency = policies.read(session).default_currency
        self.packages = _packages(session, job.operator_path)
        self.schema = NewCustomerSchema()

    def register(self, rows: Sequence[Any]) -> dict[UUID, Verdict]:
        wishes: dict[UUID, dict[str, Any]] = {}
        verdicts: dict[UUID, Verdict] = {}
        for row in rows:
            try:
                wishes[row.id] = self._wish(row)
            except ma.ValidationError as error:
                verdicts[row.id] = _failed(row, _flat(error))
            except NotValid as error:
                verdicts[row.id] = _refused(row, error)
        made = enrolling.enrol(self.session, self.scope, self.actor, wishes, secret=self.secret)
        for row in rows:
            if row.id in made:
                verdicts[row.id] = self._verdict(row, made[row.id])
        return verdicts

    def _verdict(self, row: Any, made: Customer | enrolling.Refused) -> Verdict:
        if not isinstance(made, Customer):
            return _refused(row, made)
        # The id alone: the verdict outlives an erasure.
        done = {} if self.job.params["dry_run"] else {"customer_id": str(made.id)}
        return "done", {"line": row.line} | done

    def _wish(self, row: Any) -> dict[str, Any]:
        fields: dict[str, Any] = self.schema.load(self._body(row.fields))
        if "customer_number" in row.fields:
            fields["customer_number"] = row.fields["customer_number"]
        return fields

    def _body(self, given: Mapping[str, str]) -> dict[str, Any]:
        if "id" in given:
            self._refuse_erased(given["id"])
        body: dict[str, Any] = {name: given[name] for name in PLAIN if name in given}
        body.pop("customer_number", None)
        if "password" in body:
            body["password"] = unseal(body["password"], self.secret)
        for name in MONEY:
            if name in given:
                currency = given.get("currency", self.currency)
                body[name] = {"amount": given[name], "currency": currency}
        if "package" in given:
            body["package_id"] = self._package(given["package"])
        if self.job.params.get("operator_id"):
            body["operator_id"] = self.job.params["operator_id"]
        return body

    def _package(self, name: str) -> str:
        found = self.packages.get(name.lower(), [])
        if len(found) != 1:
            raise NotValid(
                "package", "several packages are called so" if found else "there is no such package"
            )
        return found[0]

    def _refuse_erased(self, given: str) -> None:
        try:
            customer = UUID(given)
        except ValueError as error:
            raise NotValid("id", "is no id: leave the column out") from error
        if tombstones.erased(self.session, [customer], self.secret):
            raise NotValid("id", "was erased, for good", "erased")


def _packages(session: Session, path: str) -> dict[str, list[str]]:
    """By name, those that an operator at `path` may sell: everybody's, and of the line up and down."""
    found: dict[str, list[str]] = {}
    for row in session.execute(
        text(
            "SELECT id, lower(name) AS name FROM package WHERE NOT retired AND (operator_path = ''"
            " OR starts_with(operator_path, :path) OR starts_with(:path, operator_path))"
        ),
        {"path": path},
    ):
        found.setdefault(row.name, []).append(str(row.id))
    return found


def _flat(error: ma.ValidationError) -> list[dict[str, Any]]:
    return [
        {"field": field, "code": "invalid", "detail": "; ".join(_texts(texts))}
        for field, texts in error.messages_dict.items()
    ]


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _of_refusal(error: Mapping[str, Any]) -> dict[str, Any]:
    field = str(error.get("pointer", "")).removeprefix("/")
    return {"field": field, "code": error["code"], "detail": error["detail"]}


def _settle(session: Session, verdicts: Mapping[UUID, Verdict]) -> None:
    """What became a customer is kept there, and no second time here."""
    done = {
        row: verdict["customer_id"] for row, (state, verdict) in verdicts.items() if state == "done"
    }
    session.execute(
        text(
            "UPDATE import_row r SET customer_id = d.customer, fields = '{}' FROM"
            " unnest(CAST(:rows AS uuid[]), CAST(:customers AS uuid[])) AS d(row, customer)"
            " WHERE r.id = d.row"
        ),
        {"rows": list(done), "customers": list(done.values())},
    )


def _report(session: Session, job: Any) -> dict[str, Any]:
    counted = session.execute(
        text(
            "SELECT count(*) FILTER (WHERE state = 'done') AS good,"
            " count(*) FILTER (WHERE state = 'failed') AS failed FROM job_row WHERE job_id = :id"
        ),
        {"id": job.id},
    ).one()
    names = ("import_id", "dry_run", "mapping", "ignored_columns")
    return {**{name: job.params[name] for name in names},
            "created": 0 if job.params["dry_run"] else counted.good,
            "good": counted.good, "failed": counted.failed}  # fmt: skip
