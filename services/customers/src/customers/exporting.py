"""What can be exported of customers (E20-E24): exactly what the lists show, by filter and columns."""

from __future__ import annotations

from shared.exporting import Resource

RESOURCES: tuple[Resource, ...] = ()
