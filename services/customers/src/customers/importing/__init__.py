"""Customers from a file: mapped, tried or taken row by row, each with its own verdict; resumable.

The file's rows lie in `import_row` until the job has done them (then they are the customers'), or
for a week, so that what was refused can be read. Passwords lie there sealed.
"""

from customers.importing.mapping import FIELDS, REQUIRED
from customers.importing.requesting import begin, remove_expired
from customers.importing.reviewing import (
    SHOWN,
    columns,
    import_table,
    listed,
    one,
    refused_rows,
)
from customers.importing.starting import start
from customers.importing.taking import KIND, import_kind
from customers.importing.taking_back import UNDO

__all__ = [
    "FIELDS",
    "KIND",
    "REQUIRED",
    "SHOWN",
    "UNDO",
    "begin",
    "columns",
    "import_kind",
    "import_table",
    "listed",
    "one",
    "refused_rows",
    "remove_expired",
    "start",
]
