"""How rows are shown."""

from __future__ import annotations

from typing import Any
from uuid import UUID


def session_record(row: Any) -> dict[str, Any]:
    return plain(
        {
            "id": row.radacctid,
            "session_id": row.acctsessionid,
            "username": row.username,
            "customer_id": row.customer_id,
            "nas_id": row.nas_id,
            "nas_name": row.nas_name,
            "nas_address": row.nasipaddress,
            "nas_port": row.nasportid,
            "framed_address": row.framedipaddress,
            "calling_station_id": row.callingstationid,
            "started_at": row.acctstarttime,
            "updated_at": row.acctupdatetime,
            "stopped_at": row.acctstoptime,
            "open": row.acctstoptime is None,
            "seconds": row.acctsessiontime,
            "upload_octets": row.acctinputoctets,
            "download_octets": row.acctoutputoctets,
            "terminate_cause": row.acctterminatecause,
        }
    )


def plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat()
        if hasattr(value, "isoformat")
        else str(value)
        if isinstance(value, UUID)
        else value
        for name, value in values.items()
    }
