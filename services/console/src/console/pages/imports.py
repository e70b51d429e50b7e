"""Customers › Import: customers from a file, tried first or taken at once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from console.api_client import Answer
from console.asking import Field, Page, Question, ask
from console.context import apis, tell
from console.formatting import words
from console.uploads import opened

pages = Blueprint("imports", __name__, url_prefix="/customers/import")


@pages.route("", methods=["GET", "POST"])
def send() -> Page:
    question = Question(
        "Import customers", "Send it",
        (
            Field("file", "File", "file", required=True,
                  hint="CSV or XLSX. Its first row names the columns: name, username, phone, email,"
                  " package, password …"),
            Field("dry_run", "Only try it: every row gets its verdict, nobody is added", "tick"),
        ),
        url_for("customers.list_customers"),
        "Rows that cannot be taken are named one by one, with why; the others are added.",
        values={"dry_run": "1"},
    )  # fmt: skip

    def upload(body: dict[str, Any], key: str) -> Answer:
        kind, file = opened(body.get("file"))
        query = {"dry_run": "true" if body["dry_run"] else "false"}
        return apis().customers.import_file(query, kind, file, key)

    return ask(question, upload, then=_to_job)


def _to_job(answer: Answer) -> Response:
    """What was understood of the first row is said, before a mistake in it is believed."""
    taken = ", ".join(f"{head} as {words(name)}" for head, name in answer.body["mapping"].items())
    ignored = ", ".join(answer.body["ignored_columns"])
    tell(
        f"{answer.body['rows']} rows. Taken: {taken}.",
        f"Passed over: {ignored}." if ignored else "",
    )
    return redirect(url_for("jobs.show", service="customers", job_id=answer.body["id"]), 303)
