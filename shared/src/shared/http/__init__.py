"""HTTP as every service speaks it: problem+json, who may, idempotency, ETag, keyset pages, health."""

from shared.http.application import create_app, database
from shared.http.authentication import actor, client_address, permission, principal, public
from shared.http.blueprint import Blueprint
from shared.http.paging import Page, PageArguments, PlainPageArguments, page
from shared.http.problems import Problem, abort_with
from shared.http.transactions import Transaction, transaction
from shared.http.validators import require_match

__all__ = [
    "Blueprint",
    "Page",
    "PageArguments",
    "PlainPageArguments",
    "Problem",
    "Transaction",
    "abort_with",
    "actor",
    "client_address",
    "create_app",
    "database",
    "page",
    "permission",
    "principal",
    "public",
    "require_match",
    "transaction",
]
