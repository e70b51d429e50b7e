"""Loss, delay, doubling and overtaking between sender and NAS, each in both directions (F24, F25)."""

import os
from dataclasses import replace

import pytest

from radius_sync.disconnector import Result
from radius_sync.nas_simulator import NasSimulator
from tests.radius_sync.exchanging import STUBBORN, cut_all, nas_at, policy, run
from tests.radius_sync.lossy_link import LossyLink, Weather
from tests.radius_sync.puppet import SECRET

pytestmark = pytest.mark.unit
SESSIONS = 300
WEATHERS = {
    "loss": Weather(loss=0.3),
    "delay": Weather(delay=0.05),
    "doubling": Weather(twice=0.5, delay=0.01),
    "everything": Weather(loss=0.25, twice=0.25, delay=0.04),
}


@pytest.mark.parametrize("name", WEATHERS)
@pytest.mark.parametrize("round_", range(3))
def test_f24_each_session_is_cut_once_whatever_the_network_does(name: str, round_: int) -> None:
    seed = int(os.environ.get("WEATHER_SEED", 20261122)) + round_
    print(f"WEATHER_SEED={seed - round_}")
    with NasSimulator(SECRET) as nas, LossyLink(nas.coa_port, WEATHERS[name], seed) as link:
        kept = [nas.add_session(f"kept{number}").session_id for number in range(20)]
        wanted = [replace(order, nas=nas_at(link.port)) for order in cut_all(nas, SESSIONS)]
        found = run(wanted, policy(retransmission=STUBBORN))

        assert {outcome.result for outcome in found.values()} == {Result.ACKED}
        assert len(found) == SESSIONS
        assert sorted(one.session_id for one in nas.sessions) == sorted(kept)
        assert set(nas.effects.values()) == {1}
        # What came again was the same bytes: the NAS knew it, and did nothing a second time.
        assert nas.seen["request"] == SESSIONS
    if WEATHERS[name].loss:
        assert link.fate["lost"] > 0
        assert sum(outcome.transmissions for outcome in found.values()) > SESSIONS
    if WEATHERS[name].twice:
        assert link.fate["doubled"] > 0
        assert nas.seen["duplicate"] > 0
