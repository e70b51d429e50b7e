"""FreeRADIUS' configuration, generated: `python -m radius_sync freeradius-config`."""

from radius_sync.freeradius.command import main
from radius_sync.freeradius.configuration import Client, Database, write_configuration

__all__ = ["Client", "Database", "main", "write_configuration"]
