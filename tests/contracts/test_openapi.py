"""What each service publishes is valid OpenAPI 3.1, documents its errors, and is what is committed."""

from typing import Any

import pytest
from openapi_spec_validator import validate

from tests.contracts import openapi

pytestmark = pytest.mark.unit
MODULES = openapi.present()


@pytest.fixture(scope="module", params=sorted(MODULES))
def found(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return request.param, openapi.document(MODULES[request.param])


def test_all_three_services_are_there() -> None:
    assert set(MODULES) == {"customers", "payments", "radius-sync"}


def test_the_document_is_valid_openapi_3_1(found: tuple[str, dict[str, Any]]) -> None:
    validate(found[1])
    assert found[1]["openapi"].startswith("3.1")


def test_every_operation_documents_its_errors_as_problem_json(
    found: tuple[str, dict[str, Any]],
) -> None:
    for path, operations in found[1]["paths"].items():
        for method in operations.keys() - {"parameters"}:
            assert "default" in operations[method]["responses"], (method, path)
    for name, response in found[1]["components"]["responses"].items():
        assert list(response["content"]) == ["application/problem+json"], name


def test_every_operation_says_what_it_is_for(found: tuple[str, dict[str, Any]]) -> None:
    silent = [
        f"{method} {path}"
        for path, operations in found[1]["paths"].items()
        for method in operations.keys() - {"parameters"}
        if not operations[method].get("summary")
    ]
    assert silent == []


def test_the_committed_copy_is_what_the_code_serves(found: tuple[str, dict[str, Any]]) -> None:
    service, document = found
    file = openapi.FOLDER / f"{service}.json"

    assert file.exists(), "python -m tests.contracts.openapi --write"
    assert file.read_text() == openapi.rendered(document), "see --check for the difference"
