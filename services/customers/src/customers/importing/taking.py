"""The job of an import: each row is registered as if somebody typed it, or says why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import marshmallow as ma
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import enrolling, policies, tombstones
from customers.domain import Customer, NotValid, Refusal
from customers.importing import taking_back
from customers.importing.mapping import MONEY, PLAIN
from customers.schemas.customers import NewCustomerSchema
from shared.database import Scope
from shared.jobs import Kind, Verdict, actor_of
from shared.sealing import unseal
from shared.settings import Settings

KIND = "customers.import"


class Trial(Exception):
    """A dry run goes back to where it began."""


def import_kind(settings: Settings) -> Kind:
    def chunk(session: Session, job: Any, subjects: Sequence[UUID]) -> Mapping[UUID, Verdict]:
        return take(session, settings.secret_key, job, subjects)

    return Kind(
        name=KIND, permission="imports.write", chunk=chunk, finish=_report, inverse=taking_back.KIND
    )


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
            verdicts |= context.register(rows)
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


def _told(error: enrolling.Refused) -> list[dict[str, Any]]:
    if isinstance(error, Refusal):
        return [_of_refusal(one) for one in error.errors]
    if isinstance(error, NotValid):
        return [{"field": error.field, "code": error.code, "detail": error.detail}]
    return [{"field": "operator_id", "code": "unknown", "detail": f"no such {error}"}]


class _Context:
    """What all rows of a chunk share."""

    def __init__(self, session: Session, secret: bytes, job: Any) -> None:
        self.session, self.secret, self.job = session, secret, job
        self.scope = Scope(job.operator_path or None)
        self.actor = actor_of(job)
        self.currency = policies.read(session).default_currency
        self.packages = _packages(session, job.operator_path)
        self.schema = NewCustomerSchema()

    def register(self, rows: Sequence[Any]) -> dict[UUID, Verdict]:
        """All that is wrong with a row is told at once, so that it is corrected once."""
        wishes, faults = dict[UUID, dict[str, Any]](), dict[UUID, list[dict[str, Any]]]()
        for row in rows:
            wishes[row.id], faults[row.id] = self._wish(row)
        spoiled = {key for key, found in faults.items() if found}
        made = enrolling.enrol(
            self.session, self.scope, self.actor, wishes, secret=self.secret, spoiled=spoiled
        )
        return {row.id: self._verdict(row, made[row.id], faults[row.id]) for row in rows}

    def _verdict(
        self, row: Any, made: Customer | list[enrolling.Refused], faults: list[dict[str, Any]]
    ) -> Verdict:
        if isinstance(made, Customer):
            # The id alone: the verdict outlives an erasure.
            done = {"customer_id": str(made.id), "version": made.version}
            done = {} if self.job.params["dry_run"] else done
            return "done", {"line": row.line} | done
        found = [*faults, *(error for refused in made for error in _told(refused))]
        # Of a field the first: what is no login is not looked for among those taken, too.
        first = {error["field"]: error for error in reversed(found)}
        return "failed", {"line": row.line, "errors": list(reversed(first.values()))}

    def _wish(self, row: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The fields that are right, and what is wrong with the others."""
        faults = [_twin(found) for found in row.twins]
        body = self._body(row.fields, faults)
        try:
            fields: dict[str, Any] = self.schema.load(body)
        except ma.ValidationError as error:
            faults += _flat(error)
            right: dict[str, Any] = error.valid_data  # type: ignore[assignment]
            kept = {name: right[name] for name in right if name not in error.messages_dict}
            fields = {"name": "", "username": "", **kept}
        if "customer_number" in row.fields:
            fields["customer_number"] = row.fields["customer_number"]
        return fields, faults

    def _body(self, given: Mapping[str, str], faults: list[dict[str, Any]]) -> dict[str, Any]:
        body: dict[str, Any] = {name: given[name] for name in PLAIN if name in given}
        body.pop("customer_number", None)
        if "password" in body:
            body["password"] = unseal(body["password"], self.secret)
        for name in MONEY:
            if name in given:
                currency = given.get("currency", self.currency)
                body[name] = {"amount": given[name], "currency": currency}
        try:
            if "id" in given:
                self._refuse_erased(given["id"])
        except NotValid as error:
            faults += _told(error)
        try:
            if "package" in given:
                body["package_id"] = self._package(given["package"])
        except NotValid as error:
            faults += _told(error)
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
