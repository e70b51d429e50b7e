"""Work that takes long: a row with a frozen list of subjects, done in chunks, resumable at any line.

A worker that dies leaves its lease to run out; the next one goes on with the rows still pending.
"""

from shared.jobs.chunks import CHUNK, LEASE_SECONDS
from shared.jobs.kinds import (
    ChunkWork,
    Interrupted,
    Jobs,
    Kind,
    Row,
    State,
    Stopped,
    Verdict,
    WholeWork,
    actor_of,
    undone_by,
)
from shared.jobs.queueing import NotPossible, due, enqueue, move, read, retry, undo
from shared.jobs.running import MOST_ATTEMPTS, run_due

__all__ = [
    "CHUNK",
    "LEASE_SECONDS",
    "MOST_ATTEMPTS",
    "ChunkWork",
    "Interrupted",
    "Jobs",
    "Kind",
    "NotPossible",
    "Row",
    "State",
    "Stopped",
    "Verdict",
    "WholeWork",
    "actor_of",
    "due",
    "enqueue",
    "move",
    "read",
    "retry",
    "run_due",
    "undo",
    "undone_by",
]
