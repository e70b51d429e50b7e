"""Exports as jobs (seeds E20 to E24): a request becomes a file in the service's own folder, for a day.

The file is whole or absent (F37), readable by its owner only, and gone after its time, or as soon
as somebody whose data it may hold is erased.
"""

from shared.exporting.asking import request_export
from shared.exporting.making import export_kind
from shared.exporting.removing import forget, remove_expired
from shared.exporting.resources import KIND, NoFilter, Resource, folder_of, name_of

__all__ = [
    "KIND",
    "NoFilter",
    "Resource",
    "export_kind",
    "folder_of",
    "forget",
    "name_of",
    "remove_expired",
    "request_export",
]
