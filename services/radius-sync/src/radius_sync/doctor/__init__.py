"""The configuration doctor: what is wrong with a FreeRADIUS and its database, and how to mend it.

`python -m radius_sync doctor` looks at the embedded database and, with `--config DIR`, at a folder of
configuration, stock or generated; `GET /v1/targets/{id}/doctor` looks at the database of a target.
"""

from radius_sync.doctor.command import main
from radius_sync.doctor.configuration import examine_configuration
from radius_sync.doctor.database import examine_database
from radius_sync.doctor.findings import Finding
from radius_sync.doctor.visiting import examine_target

__all__ = ["Finding", "examine_configuration", "examine_database", "examine_target", "main"]
