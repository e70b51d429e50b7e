"""Arrays of PostgreSQL as the literals that it writes and reads: `{1,2}`.

What one set-based statement answers and the next one takes only passes through Python. As one text
it costs nothing there; as a list each element is parsed, made an object and adapted again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NewType
from uuid import UUID

from sqlalchemy import Uuid, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import ColumnElement

Array = NewType("Array", str)
EMPTY = Array("{}")


def array(values: Iterable[UUID | int]) -> Array:
    """Of values that need no quoting."""
    return Array(f"{{{','.join(map(str, values))}}}")


def among(column: ColumnElement[UUID], ids: Iterable[UUID]) -> ColumnElement[bool]:
    """As one value: a statement of a thousand parameters takes longer to write than to answer.

    Of the very type: a text that is cast is read anew for each row that a walk passes.
    """
    return column == any_(literal(list(ids), ARRAY(Uuid)))
