"""What customers reads from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass

from shared import settings as shared_settings


@dataclass(frozen=True, kw_only=True)
class Settings(shared_settings.Settings):
    """`admin_password` is for the first operator, made by `migrate`; empty once there is one."""

    admin_password: str = ""


def read() -> Settings:
    return Settings(
        **shared_settings.read("customers", database="customers"),
        admin_password=os.environ.get("TENURE_ADMIN_PASSWORD", ""),
    )
