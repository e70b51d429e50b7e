"""Retention by data class: sessions go before the person, with a receipt, and a restore says so (A41)."""

import itertools
from datetime import datetime
from typing import Any

import pytest

from customers import purging, retention, session_erasure
from customers.erasing_tasks import purge
from tests.customers.conftest import Site
from tests.customers.erasing import advance, ask
from tests.customers.sessions import asked, due, hear, lying, receipt
from tests.customers.test_erasure_races import together
from tests.customers.test_retention import POLICIES, put, run_purge


def test_the_purge_asks_for_the_sessions_and_keeps_the_receipt_a41(site: Site) -> None:
    made, kept = due(site, "rahim"), site.deleted("kept")
    assert run_purge(site)["sessions_begun"] == 1
    (event,) = asked(site, made)
    row = site.one("SELECT * FROM customer WHERE id = :id", id=made["id"])
    assert (row.state, event.sequence) == ("deleted", row.version)
    assert event.data["mode"] == "pseudonymise"
    assert datetime.fromisoformat(event.data["before"]) == row.sessions_erased_before
    assert asked(site, kept) == []
    proof = lying(site, made)["sessions_erased"]
    assert proof["erased_at"] is None and proof["removal_id"] == event.data["removal_id"]

    answer = receipt(event)
    hear(site, answer, receipt(event))
    hear(site, receipt(event, rows={"radacct": 0}, digest="later"))
    proof = lying(site, made)["sessions_erased"]
    assert proof["erased_at"] and proof["digest"] == "d1"
    assert proof["rows"] == {"radacct": 3, "usage_day": 2}
    log = site.admin.get(f"/v1/operations?subject={made['id']}").get_json()["items"]
    actions = [entry["action"] for entry in log]
    assert actions[:2] == ["customer.sessions_erased", "customer.sessions_erasing"]
    assert log[0]["after"]["rows"] == {"radacct": 3, "usage_day": 2}
    assert run_purge(site)["sessions_begun"] == 0


def test_the_purge_of_sessions_is_bounded_paused_and_respects_legal_holds_f44(site: Site) -> None:
    many = [due(site, f"many{n}") for n in range(3)]
    held = due(site, "held")
    site.admin.post(f"/v1/customers/{held['id']}/legal-hold", {"case": "7/26"})
    site.admin.patch("/v1/settings", {"purge_paused": True})
    assert run_purge(site)["sessions_begun"] == 0
    site.admin.patch("/v1/settings", {"purge_paused": False, "purge_limit": 2})
    site.change(
        "UPDATE customer SET sessions_erase_after = now() - interval '9 days' WHERE id = :id",
        id=many[2]["id"],
    )
    first = run_purge(site)
    assert (first["sessions_begun"], first["sessions_limit_reached"]) == (2, True)
    assert asked(site, many[2])
    assert run_purge(site)["sessions_begun"] == 1
    assert asked(site, held) == []


def test_many_are_given_up_in_chunks_and_never_more_than_the_limit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was ended between two chunks is begun anew, and goes on where it was."""
    monkeypatch.setattr(purging, "CHUNK", 2)
    many = [due(site, f"many{n}") for n in range(6)]
    site.admin.patch("/v1/settings", {"purge_limit": 5})
    claim, calls = session_erasure.claim, itertools.count()

    def dies(session: Any, most: int) -> int:
        if next(calls) == 1:
            raise RuntimeError("killed")
        return claim(session, most)

    monkeypatch.setattr(session_erasure, "claim", dies)
    with pytest.raises(RuntimeError, match="killed"):
        purge(site.database)
    assert sum(len(asked(site, one)) for one in many) == 2
    assert site.admin.get(POLICIES).get_json()["last_run_at"] is None, "the day is not done"
    site.admin.patch("/v1/settings", {"purge_limit": 3})
    purge(site.database)
    last = site.admin.get(POLICIES).get_json()["last_run"]
    assert (last["sessions_begun"], last["sessions_limit_reached"]) == (3, True)
    assert sum(len(asked(site, one)) for one in many) == 5


def test_who_goes_as_a_person_is_not_asked_about_sessions_apart(site: Site) -> None:
    made = due(site, "rahim")
    site.change("UPDATE customer SET erase_after = now() - interval '1 hour'")
    result = run_purge(site)
    assert (result["begun"], result["sessions_begun"]) == (1, 0)
    advance(site)
    assert asked(site, made) == []


def test_a_restore_after_it_works_and_says_so_b17(site: Site) -> None:
    made = due(site, "rahim")
    run_purge(site)
    place = f"/v1/deleted-customers/{made['id']}/restore"
    before = site.one(
        "SELECT sessions_erased_before AS at FROM customer WHERE id = :i", i=made["id"]
    )
    plan = site.admin.post(place, {"dry_run": True}).get_json()
    assert any(note.startswith(f"sessions: those before {before.at.isoformat()}")
               for note in plan["notes"])  # fmt: skip
    restored = site.admin.post(place).get_json()
    assert restored["integrity"]["intact"]
    assert any("erased by the retention policy" in note for note in restored["integrity"]["notes"])
    # The receipt comes after the restore: kept, and it changes nothing of the living.
    hear(site, receipt(asked(site, made)[0]))
    assert site.one("SELECT erased_at FROM session_erasure").erased_at is not None
    shown = site.admin.get(f"/v1/customers/{made['id']}/integrity").get_json()
    assert "erased by the retention policy" in shown["notes"][0]


def test_a_customer_restored_before_the_claim_loses_nothing(site: Site) -> None:
    made = due(site, "rahim")
    assert site.admin.post(f"/v1/deleted-customers/{made['id']}/restore").status_code == 200
    assert run_purge(site)["sessions_begun"] == 0
    row = site.one("SELECT * FROM customer WHERE id = :id", id=made["id"])
    assert (row.sessions_erase_after, row.sessions_erased_before) == (None, None)
    report = site.admin.get(f"/v1/customers/{made['id']}/integrity").get_json()
    assert report["notes"] == []


def test_a_second_deletion_begins_a_clock_of_its_own(site: Site) -> None:
    put(site, reason="test_account", retain_days=7, sessions_days=2)
    made = due(site, "rahim", "test_account")
    run_purge(site)
    site.admin.post(f"/v1/deleted-customers/{made['id']}/restore")
    again = site.admin.post(f"/v1/customers/{made['id']}/delete", {"reason": "test_account"})
    assert again.status_code == 200
    found = lying(site, made)
    assert found["sessions_erase_after"] is not None
    site.change("UPDATE customer SET sessions_erase_after = now() - interval '1 hour'")
    run_purge(site)
    first, second = asked(site, made)
    assert first.data["before"] < second.data["before"]
    assert lying(site, made)["sessions_erased"]["removal_id"] == second.data["removal_id"]


def test_a_backup_from_before_the_claim_brings_no_sessions_back_f36(site: Site) -> None:
    """The network has let go of them: the receipt in its feed says so to a database that forgot."""
    made = due(site, "rahim")
    run_purge(site)
    told = receipt(asked(site, made)[0])
    site.change("DELETE FROM session_erasure")
    site.change(
        "UPDATE customer SET sessions_erased_before = NULL,"
        " sessions_erase_after = now() - interval '1 day'"
    )
    hear(site, told)
    assert run_purge(site)["sessions_begun"] == 0
    found = lying(site, made)
    assert found["sessions_erase_after"] is None
    assert found["sessions_erased"]["rows"] == {"radacct": 3, "usage_day": 2}


def test_a_receipt_after_the_erasure_of_the_person_brings_nothing_back(site: Site) -> None:
    made = due(site, "rahim")
    run_purge(site)
    (event,) = asked(site, made)
    ask(site, made)
    advance(site)
    hear(site, receipt(event))
    row = site.one("SELECT * FROM customer WHERE id = :id", id=made["id"])
    assert (row.state, row.sessions_erased_before, row.sessions_erase_after) == (
        "erasing", None, None,
    )  # fmt: skip


def test_a_claim_that_nobody_answers_for_a_day_raises_the_alarm(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    made = due(site, "rahim")
    purge(site.database)
    found = site.admin.get(POLICIES).get_json()
    assert (found["last_run"]["sessions_begun"], found["sessions_unanswered"]) == (1, 0)
    site.change("UPDATE session_erasure SET before = now() - interval '25 hours'")
    assert site.admin.get(POLICIES).get_json()["sessions_unanswered"] == 1
    capsys.readouterr()
    retention.watch(site.database)
    assert "retention.sessions_unanswered" in capsys.readouterr().out
    hear(site, receipt(asked(site, made)[0]))
    assert site.admin.get(POLICIES).get_json()["sessions_unanswered"] == 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(6))
def test_a_claim_and_a_restore_at_once_have_one_winner(site: Site, seed: int) -> None:
    """Either nothing is asked for, or the restore says what is gone."""
    made = due(site, "rahim")
    caller = site.caller(site.admin.id, "1/", "admin", "admin")
    place = f"/v1/deleted-customers/{made['id']}/restore"
    done = together({"claim": lambda: run_purge(site), "restore": lambda: caller.post(place)}, seed)
    assert done["restore"].status_code == 200
    notes = done["restore"].get_json()["integrity"]["notes"]
    assert len(asked(site, made)) == done["claim"]["sessions_begun"] == len(notes)
    numbers = [event.sequence for event in site.events(made["id"])]
    assert numbers == sorted(set(numbers))
