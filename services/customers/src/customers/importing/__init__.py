"""Customers from a file: mapped, tried or taken row by row, each with its own verdict; resumable.

The file's rows lie in `import_row` until the job has done them (then they are the customers'), or
for a week, so that what was refused can be read. Passwords lie there sealed.
"""

from customers.importing.requesting import begin, remove_expired
from customers.importing.taking import KIND, import_kind

__all__ = ["KIND", "begin", "import_kind", "remove_expired"]
