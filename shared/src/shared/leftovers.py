"""The search for leftovers in a service's database: an independent look for what an erasure should have
removed there (A37).

What the service knew of the erased by name (the needles) is collected before anything is removed, in the
transaction that removes, and must survive the crash of a process: it lies sealed in `erasure_needle`.
Once every service has given its receipts, customers asks for the search (ErasureSearching); a timer of
the worker does it, and answers (ErasureSearched) in the transaction that forgets the needles. Reading
takes as long as it takes: it locks nothing, and writes only at the end, so that no feed waits for it.

The search knows nothing of the statements that removed: it reads every column that can hold a word, of
every row but those of customers who stay. A needle that somebody who stays uses too says nothing about
the erased: it is left out and counted. Needles are compared as whole words; names, which are several
words, as they stand, and only in erasures of up to 50 (each is looked for in every value).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.batches import as_json
from shared.database import Database
from shared.events import ErasureSearched, Wire
from shared.outbox import publish
from shared.sealing import seal, unseal
from shared.traces import EDGES, NAMES_UP_TO, SHORTEST, Look, Needles, tables, traces

# A country's code has one to three digits; at home a number is dialled without it, mostly with a zero.
COUNTRY_DIGITS = (1, 2, 3)
FEWEST_DIALLED = 8


@dataclass(frozen=True)
class Whose:
    """How a row `v` tells its customer: an expression, and what to join for it."""

    customer: str
    join: str = ""


@dataclass(frozen=True, kw_only=True)
class Books:
    """What the search has to know of a database.

    `stays`: the condition that `{}` is a customer who stays. `used`: a statement that yields those of
    `:words` that somebody who stays, or an operator, goes by. `whose`: of tables that tell a row's
    customer otherwise than by `customer_id` or `subject`; None: nobody's, read whole. `silent`: tables
    that cannot name a customer.
    """

    stays: str
    used: str
    whose: Mapping[str, Whose] = field(default_factory=dict)
    silent: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Known:
    """One of the erased by the names that the service knew: `words` without a blank, and others."""

    erasure_id: UUID
    customer_id: UUID
    words: frozenset[str]
    phrases: frozenset[str] = frozenset()


def dialled(phone: str) -> Iterator[str]:
    """A number as it stands in texts: from abroad, and at home."""
    digits = "".join(sign for sign in phone if sign.isdecimal())
    yield digits
    for code in COUNTRY_DIGITS if len(digits) > FEWEST_DIALLED + 3 else ():
        yield digits[code:]
        yield "0" + digits[code:]


def remember(session: Session, known: Sequence[Known], secret: bytes) -> None:
    """Keep, sealed, what to look for when these are gone."""
    session.execute(
        text(
            "INSERT INTO erasure_needle (erasure_id, customer_id, sealed) SELECT * FROM unnest("
            "CAST(:erasures AS uuid[]), CAST(:ids AS uuid[]), CAST(:sealed AS text[]))"
            " ON CONFLICT DO NOTHING"
        ),
        {
            "erasures": [one.erasure_id for one in known],
            "ids": [one.customer_id for one in known],
            "sealed": [
                seal(orjson.dumps([sorted(one.words), sorted(one.phrases)]).decode(), secret)
                for one in known
            ],
        },
    )


_ASK = text(
    "INSERT INTO leftover_search (erasure_id, operator_path)"
    " SELECT CAST(e->>'subject' AS uuid), e->>'operatorpath'"
    " FROM jsonb_array_elements(CAST(:events AS jsonb)) e ON CONFLICT DO NOTHING"
)


def ask(session: Session, events: Sequence[Wire]) -> None:
    """Take ErasureSearching: the worker's timer does it. Asked again, it is answered again."""
    session.execute(_ASK, {"events": as_json(events)})


_DUE = text("SELECT erasure_id, operator_path FROM leftover_search ORDER BY asked_at LIMIT 1")
_ANSWERED = text("DELETE FROM leftover_search WHERE erasure_id = :id")
# Of an erasure that was certified before this database was restored nobody asks any more.
_FORGET = text(
    "DELETE FROM erasure_needle WHERE erasure_id = :id OR at < now() - interval '90 days'"
)


def search_due(database: Database, service: str, books: Books, secret: bytes) -> int:
    """Search for every erasure that waits for it, one worker at a time; how many."""
    done = 0
    with database.lock("leftovers") as mine:
        while mine:
            with database.transaction() as session:
                due = session.execute(_DUE).one_or_none()
                if due is None:
                    break
                wanted = needles(session, books, due.erasure_id, secret)
                found = traces(session, looks(session, books), wanted)
            answer = ErasureSearched(
                subject=due.erasure_id, sequence=1, operator_path=due.operator_path,
                service=service, **found,
            )  # fmt: skip
            with database.transaction() as session:
                publish(session, answer)
                session.execute(_ANSWERED, {"id": due.erasure_id})
                session.execute(_FORGET, {"id": due.erasure_id})
            done += 1
    return done


def needles(session: Session, books: Books, erasure_id: UUID, secret: bytes) -> Needles:
    """What was remembered, without what others use too."""
    rows = session.scalars(
        text("SELECT sealed FROM erasure_needle WHERE erasure_id = :id"), {"id": erasure_id}
    ).all()
    kept: list[set[str]] = [set(), set()]
    for sealed in rows:
        for all_of, values in zip(kept, orjson.loads(unseal(sealed, secret)), strict=True):
            all_of.update(value.strip().strip(EDGES).lower() for value in values)
    words, phrases = ({one for one in all_of if len(one) >= SHORTEST} for all_of in kept)
    if len(rows) > NAMES_UP_TO:
        phrases = set()
    asked = {"words": sorted(words | phrases)}
    used = set(session.scalars(text(books.used), asked)) if words | phrases else set()
    return Needles(frozenset(words - used), frozenset(phrases - used), len(used))


def looks(session: Session, books: Books) -> Iterator[Look]:
    """Every table with a column that can hold a word, and the rows of it that are looked at."""
    for row in tables(session):
        raw = {one: f"encode(v.\"{one}\", 'escape')" for one in row.raw or ()}
        texts = {one: f'v."{one}"::text' for one in row.columns or ()} | raw
        if not texts or row.table_name in books.silent:
            continue
        whose = books.whose.get(row.table_name)
        for column in ("customer_id", "subject"):
            if whose is None and column in row.all_columns:
                whose = Whose(f"v.{column}")
        rows = f'SELECT v.* FROM "{row.table_name}" v'
        if whose is not None:
            rows += f" {whose.join} WHERE NOT {books.stays.format(whose.customer)}"
        yield Look(row.table_name, texts, rows)
