"""What sorts of jobs there are, and what their work looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from shared.database import Database
from shared.operations import Actor

State = Literal["done", "failed", "skipped"]
Verdict = tuple[State, dict[str, Any]]
Row = Any
ChunkWork = Callable[[Session, Row, Sequence[UUID]], Mapping[UUID, Verdict]]
WholeWork = Callable[[Database, Row, Callable[[int], None]], dict[str, Any]]


class Stopped(Exception):
    """The job was paused or cancelled while it ran."""


class Interrupted(Exception):
    """This worker is stopping; another one goes on with the job."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A sort of job: either `chunk` (per-row verdicts, set-based) or `whole` (a file, a report).

    `permission`: what asking for it takes, and so letting it go on, trying it again, or doing it to
    undo another. `inverse` names the kind that undoes it; `finish` runs in the last transaction of a
    chunked job and gives the job's result.
    """

    name: str
    permission: str
    chunk: ChunkWork | None = None
    whole: WholeWork | None = None
    inverse: str | None = None
    finish: Callable[[Session, Row], dict[str, Any]] | None = None


def actor_of(job: Row) -> Actor:
    """Who asked for the job, and from where: what it does is logged as theirs (B21)."""
    return Actor(
        name=job.actor, id=job.actor_id, path=job.operator_path, ip=job.ip, request_id=str(job.id)
    )


def undone_by(job: Row) -> UUID | None:
    """The job that this one undoes; a retry of an undo undoes the same. None: it undoes nothing."""
    undone = job.params.get("undoes")
    return None if undone is None else UUID(undone)


class Jobs:
    """The kinds of one service. Built where the use cases are wired, used by web (undo) and worker."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
