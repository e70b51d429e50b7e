"""Events as bytes on the wire: what one service writes, another one's older or newer code reads."""

import orjson
import pytest

from shared.events import TYPES
from shared.outbox import decode
from tests.contracts import events_page
from tests.contracts.samples import FOLDER, golden, sample, wire

pytestmark = pytest.mark.unit
NAMES = sorted(TYPES)


@pytest.mark.parametrize("name", NAMES)
def test_an_event_comes_back_from_the_wire_as_it_went(name: str) -> None:
    event = sample(TYPES[name])

    assert decode(orjson.loads(orjson.dumps(wire(event)))) == event


@pytest.mark.parametrize("name", NAMES)
def test_an_event_looks_on_the_wire_as_it_is_committed(name: str) -> None:
    file = FOLDER / f"{name}.json"

    assert file.exists(), "python -m tests.contracts.samples --write"
    assert file.read_bytes() == golden(TYPES[name]), "the contract changed"


def test_no_committed_event_has_gone() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(TYPES)


@pytest.mark.parametrize("name", NAMES)
def test_an_event_is_cloudevents_1_0(name: str) -> None:
    found = wire(sample(TYPES[name]))

    assert found["specversion"] == "1.0"
    assert all(found[field] for field in ("id", "source", "type", "subject", "time"))
    assert all(key.islower() and key.isalnum() for key in found), "attribute names: a-z, 0-9"


@pytest.mark.parametrize("name", NAMES)
def test_a_field_added_by_a_newer_sender_does_not_stop_an_older_reader(name: str) -> None:
    found = wire(sample(TYPES[name]))
    found["data"]["a_field_of_tomorrow"] = {"deep": [1]}

    assert decode(found) == sample(TYPES[name])


@pytest.mark.parametrize("name", NAMES)
def test_money_travels_as_text_never_as_a_binary_fraction(name: str) -> None:
    def floats(value: object) -> bool:
        if isinstance(value, dict):
            return any(map(floats, value.values()))
        return any(map(floats, value)) if isinstance(value, list) else isinstance(value, float)

    assert not floats(wire(sample(TYPES[name])))


@pytest.mark.parametrize("name", NAMES)
def test_an_event_says_who_says_it_and_nobody_unknown_hears_it(name: str) -> None:
    services = {"customers", "payments", "radius-sync"}

    assert TYPES[name].said_by
    assert {*TYPES[name].said_by, *TYPES[name].heard_by} <= services


def test_the_page_of_events_is_what_the_code_says() -> None:
    assert events_page.PAGE.read_text() == events_page.written()
