"""Every kind of long work that the worker does."""

from __future__ import annotations

from customers import bulk, retention
from customers.data_exports import data_export_kind
from customers.exporting import RESOURCES
from customers.importing import UNDO, import_kind
from customers.settings import Settings
from shared.exporting import export_kind
from shared.jobs import Jobs


def kinds(settings: Settings) -> Jobs:
    return Jobs(
        *bulk.JOBS.kinds.values(),
        retention.RECLOCK_KIND,
        export_kind(RESOURCES, settings),
        import_kind(settings),
        UNDO,
        data_export_kind(settings),
    )
