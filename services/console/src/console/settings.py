"""What the console reads from its environment."""

from __future__ import annotations

from dataclasses import dataclass

from environs import Env, EnvError

from shared.settings import BadSetting, Settings
from shared.settings import read as read_shared


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings(Settings):
    """`idle_seconds` and `session_seconds` bound a login."""

    idle_seconds: int
    session_seconds: int
    call_seconds: float

    @property
    def https(self) -> bool:
        """Whether browsers reach the console by https: cookies are then Secure."""
        return self.urls["console"].startswith("https://")


def read() -> ConsoleSettings:
    """Raises BadSetting, naming the variable and the fix."""
    env = Env()
    try:
        return ConsoleSettings(
            # It keeps nothing of its own: what it signs is its own forms, with the site's secret.
            **read_shared("console", database="console", seals=False),
            # 30 minutes idle and 12 hours in all: OWASP's bounds for a back office.
            idle_seconds=env.int("CONSOLE_IDLE_SECONDS", 30 * 60),
            session_seconds=env.int("CONSOLE_SESSION_SECONDS", 12 * 60 * 60),
            # Above the slowest page of a service (5 s of pool wait), below a person's patience.
            call_seconds=env.float("CONSOLE_CALL_SECONDS", 10.0),
        )
    except EnvError as error:
        raise BadSetting(f"Setting not understood: {error}") from error
