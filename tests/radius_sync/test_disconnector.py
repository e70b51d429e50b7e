"""The transport: one order, one outcome, and what goes over the wire for it."""

from collections import Counter
from dataclasses import replace

import pytest

from radius_sync.disconnector import (
    Kind,
    Nas,
    Order,
    Result,
    exchange_all,
)
from radius_sync.error_causes import ErrorClass
from tests.radius_sync.exchanging import (
    STUBBORN,
    UNANSWERED,
    given_up_once,
    nas_at,
    orders,
    policy,
    run,
)
from tests.radius_sync.puppet import SECRET, PuppetNas, Source, acknowledge, ignore, reply

pytestmark = pytest.mark.unit


def test_an_ack_and_a_nak_are_told_apart_with_cause_and_round_trip() -> None:
    def script(nas: PuppetNas, datagram: bytes, source: Source) -> None:
        nas.send(reply(datagram, nak=503 if b"user1" in datagram else None), source)

    with PuppetNas(script) as nas:
        found = run(orders(nas_at(nas.port), 2))
    assert found[0].result is Result.ACKED
    assert found[1].result is Result.NAKED
    assert found[1].error_cause == 503
    assert found[1].error_class is ErrorClass.GONE
    assert found[0].round_trip_ms is not None
    assert found[0].round_trip_ms > 0
    assert found[0].transmissions == 1


def test_a_coa_goes_the_same_way() -> None:
    attributes = (("User-Name", "a"), ("Mikrotik-Rate-Limit", "1M/1M"))
    with PuppetNas(acknowledge) as nas:
        found = run([Order("x", nas_at(nas.port), Kind.COA, attributes)])
    assert found["x"].code == 44
    assert nas.received[0][1][0] == 43


def test_f24_retransmissions_are_the_same_bytes_from_the_same_port() -> None:
    def third_time_lucky(nas: PuppetNas, datagram: bytes, source: Source) -> None:
        if [data for _, data in nas.received].count(datagram) == 3:
            nas.send(reply(datagram), source)

    with PuppetNas(third_time_lucky) as nas:
        found = run(orders(nas_at(nas.port)), policy(retransmission=STUBBORN))
    assert found[0].result is Result.ACKED
    # One more when the answer to the third is a moment late.
    assert found[0].transmissions >= 3
    assert len(set(nas.received)) == 1
    assert len(nas.received) == found[0].transmissions


def test_silence_ends_after_five_transmissions() -> None:
    counted = policy(retransmission=replace(UNANSWERED, duration=60.0))
    with PuppetNas(ignore) as nas:
        found = run(orders(nas_at(nas.port)), counted)
    assert found[0].result is Result.TIMEOUT
    assert found[0].transmissions == 5
    assert len(nas.received) == 5


def test_a_strict_nas_setting_wants_a_message_authenticator_in_replies() -> None:
    def unsigned(nas: PuppetNas, datagram: bytes, source: Source) -> None:
        nas.send(reply(datagram, signed=False), source)

    with PuppetNas(unsigned) as nas:
        assert run(orders(nas_at(nas.port)))[0].result is Result.ACKED
        strict, drops = nas_at(nas.port, require_ma_reply=True), Counter[tuple[str, str]]()
        rules = given_up_once(lambda: drops["127.0.0.1", "verify"])
        assert run(orders(strict), rules, drops=drops)[0].result is Result.TIMEOUT


def test_an_order_that_cannot_be_encoded_spoils_no_other() -> None:
    with PuppetNas(acknowledge) as nas:
        wrong = Order("wrong", nas_at(nas.port), Kind.COA, (("Framed-IP-Address", "x"),))
        nowhere = Order("where", Nas("no.such.name", 1, SECRET), Kind.COA, (("User-Name", "x"),))
        found = run([wrong, nowhere, *orders(nas_at(nas.port), 3)])
    assert found["wrong"].result is Result.UNSENDABLE
    assert "Framed-IP-Address" in found["wrong"].detail
    assert found["where"].result is Result.UNSENDABLE
    assert found[2].result is Result.ACKED


def test_ipv6_nases_are_reached() -> None:
    with PuppetNas(acknowledge, "::1") as nas:
        found = run(orders(Nas("::1", nas.port, SECRET)))
    assert found[0].result is Result.ACKED


def test_the_source_address_can_be_chosen() -> None:
    with PuppetNas(acknowledge) as nas:
        run(orders(nas_at(nas.port)), policy(source_address="127.0.0.9"))
    assert nas.received[0][0][0] == "127.0.0.9"


def test_outcomes_come_one_by_one_and_leaving_early_closes_the_sockets() -> None:
    with PuppetNas(acknowledge) as nas:
        outcomes = exchange_all(orders(nas_at(nas.port), 100), policy())
        assert next(iter(outcomes)).result is Result.ACKED
        outcomes.close()  # type: ignore[attr-defined]
    assert len(nas.received) < 100


def test_no_orders_are_no_work() -> None:
    assert run([]) == {}


@pytest.mark.parametrize(
    "wrong", [{"window": 0}, {"pacing": 0.0}, {"coa_port": 0}, {"coa_port": 70000}, {"secret": b""}]
)
def test_settings_under_which_nothing_could_be_sent_are_refused(wrong: dict[str, object]) -> None:
    settings: dict[str, object] = {"address": "127.0.0.1", "coa_port": 3799, "secret": SECRET}
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        Nas(**{**settings, **wrong})  # type: ignore[arg-type]
