"""A file as the body: its media type decides, whatever stands behind it; what is wrong is said."""

import pytest
from flask import Flask, request

from shared.http.problems import Problem
from shared.http.uploads import CSV, XLSX, readable, request_body, sent_format
from shared.tabular import MOST_BYTES, Unreadable

pytestmark = pytest.mark.unit
FORMATS = {CSV: "csv", XLSX: "xlsx"}


def test_the_format_is_the_media_types_and_the_body_is_bounded() -> None:
    with Flask(__name__).test_request_context(content_type="Text/CSV; charset=utf-8"):
        assert sent_format(FORMATS, "CSV or XLSX") == "csv"
        assert request.max_content_length == MOST_BYTES


@pytest.mark.parametrize(
    ("sent", "said"), [("image/png", "The body is image/png"), (None, "The body is of no type")]
)
def test_another_type_is_told_which_ones_are_taken(sent: str | None, said: str) -> None:
    with Flask(__name__).test_request_context(content_type=sent), pytest.raises(Problem) as refused:
        sent_format(FORMATS, "CSV or XLSX")
    problem = refused.value
    assert (problem.status, problem.title) == (415, "Send CSV or XLSX")
    assert problem.detail == f"{said}; Content-Type is one of {CSV}, {XLSX}."


def test_what_cannot_be_read_is_a_422_that_says_where() -> None:
    with pytest.raises(Problem) as refused, readable():
        raise Unreadable("line 3 has more cells than the header")
    assert (refused.value.status, refused.value.kind) == (422, "unreadable")
    (error,) = refused.value.errors
    assert error["detail"] == refused.value.detail == "line 3 has more cells than the header"


def test_the_contract_names_every_type_once() -> None:
    body = request_body(FORMATS)
    assert list(body["content"]) == [CSV, XLSX] and body["required"] is True
