"""Answers that routes share: one row with its version, and rules as problems (RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from flask import Response, current_app

from payments.domain import Erased, PossibleDuplicate, Refused, UnknownCustomer
from payments.settings import PaymentsSettings
from shared.http.operating.answering import as_json
from shared.http.problems import Problem, invalid, not_found
from shared.http.transactions import etag

# These are about a field of the body, the others about the state of things.
FIELDS = {
    "currency": "amount.currency",
    "amount": "amount.amount",
    "in_the_future": "paid_at",
    "too_old": "paid_at",
    "more_than_paid": "amount.amount",
    "more_than_billed": "amount.amount",
    "more_than_owed": "amount.amount",
    "promise_too_long": "until",
}


def settings() -> PaymentsSettings:
    return cast(PaymentsSettings, current_app.extensions["tenure.settings"])


def as_one(row: Any | None, what: str, body: Callable[[Any], Any]) -> Response:
    """A row with its version as ETag; 404 for none, which names `what` was looked for."""
    if row is None:
        raise not_found(what)
    return as_json(body(row), {"ETag": etag(row.version)})


@contextmanager
def rules(what: str = "customer") -> Iterator[None]:
    """Turn what use cases raise into the answer for it; `what` names what was looked for."""
    try:
        yield
    except PossibleDuplicate as error:
        raise Problem(
            409, "possible-duplicate", "This may have been recorded already", error.detail,
            errors=[{"pointer": "/override_duplicate", "code": error.code, "detail": error.detail}],
            payment_ids=[str(one) for one in error.payment_ids],
        ) from error  # fmt: skip
    except Refused as error:
        if error.code in FIELDS:
            raise invalid(FIELDS[error.code], error.detail, error.code) from error
        raise Problem(
            409, error.code.replace("_", "-"), "Not possible", error.detail,
            errors=[{"code": error.code, "detail": error.detail}],
        ) from error  # fmt: skip
    except UnknownCustomer as error:
        raise not_found("customer", "customer_id") from error
    except Erased as error:
        raise Problem(
            410, "erased", "This customer was erased", "Nothing is kept under this id any more."
        ) from error
    except LookupError as error:
        raise not_found(what) from error
