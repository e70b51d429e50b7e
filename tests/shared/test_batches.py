"""Events as the JSON they came in: the same to a handler as a list of them."""

import orjson
import pytest

from shared.batches import Batch, as_json
from shared.events import Wire

pytestmark = pytest.mark.unit
ALICE: Wire = {"subject": "alice", "data": {"name": "Alice, [x]"}}
BOB: Wire = {"subject": "bob", "data": {}}


def array(*events: Wire) -> str:
    return orjson.dumps(events).decode()


def test_a_batch_is_the_sequence_of_its_events() -> None:
    batch = Batch(array(ALICE, BOB))
    assert list(batch) == [ALICE, BOB]
    assert (len(batch), batch[1], batch[:1]) == (2, BOB, [ALICE])


def test_several_arrays_are_one_batch() -> None:
    assert list(Batch.joined([array(ALICE), array(BOB, ALICE)])) == [ALICE, BOB, ALICE]


def test_a_statement_gets_the_text_as_it_came() -> None:
    text = array(ALICE, BOB)
    assert as_json(Batch(text)) is text
    assert as_json([ALICE, BOB]) == text
