"""What FreeRADIUS 3.2 makes of the rows of its tables: rlm_sql and the modules after it, without a
network and without a database. Every rule is that of the server's own source (release_3_2_1) and is
held to it by a property test against the real server.
"""

from radius_sync.rlm_sql.deciding import (
    Decision,
    Form,
    Group,
    Request,
    Step,
    Tables,
    decide,
)
from radius_sync.rlm_sql.pairs import Row

__all__ = ["Decision", "Form", "Group", "Request", "Row", "Step", "Tables", "decide"]
