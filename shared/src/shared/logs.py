"""One JSON line per event on standard output: ids only, and what names a person is dropped."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

PERSONAL = {
    "password",
    "secret",
    "pin",
    "token",
    "phone",
    "email",
    "name",
    "username",
    "authorization",
}
# PostgreSQL quotes the row that failed: "Failing row contains (…)", "Key (phone)=(…) already exists".
_DETAIL = re.compile(r"(DETAIL|CONTEXT): .*")


def configure(service: str, role: str) -> None:
    """Send structlog and the standard library's loggers through one JSON renderer."""
    chain: list[Any] = [
        _from(service, role),
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
        _redact,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=chain,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for talkative in ("alembic", "celery", "werkzeug"):
        # Two lines for each message of a queue would bury what an operator looks for.
        logging.getLogger(talkative).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*chain, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _from(service: str, role: str) -> Any:
    """A processor, not a bound context: threads do not inherit what another one has bound."""

    def say(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"service": service, "role": role, **line}

    return say


def logger(name: str) -> structlog.stdlib.BoundLogger:
    bound: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return bound


def _redact(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in PERSONAL & line.keys():
        line[key] = "[left out]"
    for key in ("exception", "error", "event"):
        if isinstance(line.get(key), str):
            line[key] = _DETAIL.sub("DETAIL: [left out]", line[key])
    return line
