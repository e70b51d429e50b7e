"""What customers reads from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from environs import Env, EnvError

from shared import settings as shared_settings
from shared.settings import BadSetting


@dataclass(frozen=True, kw_only=True)
class Settings(shared_settings.Settings):
    """`admin_password` is for the first operator, made by `migrate`; empty once there is one.

    `webhooks_private`: events may be sent to private addresses and without TLS. `log_folder`: where the
    logs of all roles lie as files, for the search for leftovers; None where they leave by standard output.
    """

    admin_password: str = ""
    webhooks_private: bool = False
    log_folder: Path | None = None


def read() -> Settings:
    return Settings(
        **shared_settings.read("customers", database="customers"),
        admin_password=os.environ.get("TENURE_ADMIN_PASSWORD", ""),
        webhooks_private=_yes_no("TENURE_WEBHOOKS_PRIVATE"),
        log_folder=_folder("TENURE_LOG_FOLDER"),
    )


def _folder(name: str) -> Path | None:
    chosen = os.environ.get(name, "")
    return Path(chosen).resolve() if chosen else None


def _yes_no(name: str) -> bool:
    try:
        return Env().bool(name, False)
    except EnvError as error:
        raise BadSetting(f"{name} must be 0 or 1") from error
