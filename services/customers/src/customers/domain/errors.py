"""Why a use case was not done. The web role turns them into problems, a job into verdicts."""

from __future__ import annotations

from typing import Any
from uuid import UUID


class Refusal(Exception):
    """The state does not allow it. `errors`: {code, detail, pointer?, suggestions?, resolve?}."""

    def __init__(
        self, code: str, detail: str, errors: list[dict[str, Any]] | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.members = code, detail, members
        self.errors = errors or [{"code": code, "detail": detail}]


class NotAllowed(Exception):
    """The caller's place in the tree does not allow it."""


class Missing(Exception):
    """There is none in the caller's branch."""


class IsDeleted(Exception):
    """It lies among the deleted ones."""

    def __init__(self, customer_id: UUID) -> None:
        super().__init__(str(customer_id))
        self.customer_id = customer_id


class IsErased(Exception):
    """It is being erased, or is erased: nothing can be done any more (D10)."""


class NotValid(Exception):
    """A field that only the books can judge: `field` is its name in the body."""

    def __init__(self, field: str, detail: str, code: str = "invalid") -> None:
        super().__init__(f"{field}: {detail}")
        self.field, self.detail, self.code = field, detail, code
