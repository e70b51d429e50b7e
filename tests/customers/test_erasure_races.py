"""Delete, restore, erase, hold and pay at the same moment: one winner, a legal history (F34)."""

import random
import threading
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.events import Wire
from tests.customers.conftest import Site
from tests.customers.erasing import advance, answer, ask, certify

Account = Callable[..., Wire]
ROUNDS = 40
# What each answer may be while others act at the same moment.
ALLOWED = {
    "restore": {200, 409, 410},
    # 409: restored, and held by law before it was deleted again.
    "delete": {200, 409, 410},
    "edit": {200, 404, 410},
    "legal hold": {200, 410},
    "advance": set[int](),
    "pay": set[int](),
}


def together(actions: Mapping[str, Callable[[], Any]], seed: int) -> dict[str, Any]:
    """Start them at one moment, in the order that the seed gives."""
    names = sorted(actions)
    random.Random(seed).shuffle(names)
    barrier, results = threading.Barrier(len(names)), dict[str, Any]()

    def run(name: str) -> None:
        barrier.wait()
        results[name] = actions[name]()

    threads = [threading.Thread(target=run, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a deadlock"
    return results


def actions(site: Site, gone: dict[str, Any], account: Account, seed: int) -> dict[str, Any]:
    place, deleted = f"/v1/customers/{gone['id']}", f"/v1/deleted-customers/{gone['id']}"

    def each(method: str, url: str, body: Any) -> Callable[[], int]:
        # A client each: a test client is no thread's to share.
        caller = site.caller(site.admin.id, "1/", "admin", "admin")
        return lambda: caller.call(method, url, body, If_Match="*").status_code

    made = {
        "restore": each("POST", f"{deleted}/restore", {}),
        "delete": each("POST", f"{place}/delete", {"reason": "test_account"}),
        "edit": each("PATCH", deleted, {"note": "edited"}),
        "legal hold": each("POST", f"{place}/legal-hold", {"case": "race"}),
        "advance": lambda: advance(site),
        "pay": lambda: site.hear(account(gone["id"], 10 + seed, available_funds="50")),
    }
    if seed % 2:
        # Otherwise the hold, once it is there, decides many rounds.
        del made["legal hold"]
    return made


@pytest.mark.timeout(300)
def test_a_race_has_exactly_one_winner_f34(site: Site, account: Account) -> None:
    won = {"erased": 0, "kept": 0}
    for seed in range(ROUNDS):
        gone = site.deleted(f"racer{seed}")
        number, erasure = gone["customer_number"], ask(site, gone)
        results = together(actions(site, gone, account, seed), seed)
        for name, status in results.items():
            assert not ALLOWED[name] or status in ALLOWED[name], (seed, results)
        row = site.one("SELECT * FROM customer WHERE id = :id", id=gone["id"])
        verdict = site.one("SELECT * FROM erasure_subject WHERE customer_id = :id", id=gone["id"])
        assert (row.state == "erasing") == (verdict.state == "erasing"), (seed, results)
        if row.state == "erasing":
            won["erased"] += 1
            # Nobody came back after the claim, whatever was answered before it.
            kinds = [event.type for event in site.events(gone["id"])]
            assert "customer.erasing" in kinds
            answer(site, erasure, [gone["id"]])
            certify(site)
            assert site.one("SELECT state FROM erasure WHERE id = :e", e=erasure).state == "done"
            _number_is_free_once(site, number)
        else:
            won["kept"] += 1
            assert verdict.state == "refused", (seed, results)
            assert (row.name, row.customer_number) == (f"Racer{seed}", number)
            _history_is_legal(site, gone["id"])
    assert min(won.values()) > 0, f"a race that always ends alike shows nothing: {won}"
    assert site.admin.get("/v1/operations/verify").get_json()["intact"]


def _history_is_legal(site: Site, customer: str) -> None:
    """Each event has its own number, in the order written, and no state is entered twice running."""
    events = site.events(customer)
    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))
    life = [e.type for e in events if e.type in ("customer.deleted", "customer.restored")]
    assert all(one != next for one, next in zip(life, life[1:], strict=False))


def _number_is_free_once(site: Site, number: str) -> None:
    def take(name: str) -> Callable[[], int]:
        caller = site.caller(site.admin.id, "1/", "admin", "admin")
        body = {"name": name, "username": f"{name}-{number}", "customer_number": number}
        return lambda: caller.post("/v1/customers", body).status_code

    taken = together({name: take(name) for name in ("first", "second", "third")}, int(number))
    assert sorted(taken.values()) == [201, 409, 409]


def test_two_workers_advance_the_same_erasures_once(site: Site) -> None:
    gone = [site.deleted(f"many{n}") for n in range(30)]
    body = {"all": True, "confirm": "ERASE 30 CUSTOMERS", "legal_basis": "clean"}
    erasure = site.admin.bulk("/v1/deleted-customers/erase", body).get_json()["id"]
    moved = together({f"worker {n}": lambda: advance(site) for n in range(4)}, 1)
    assert sum(moved.values()) == 60, "each is claimed once and removed once"
    assert len(site.rows("SELECT * FROM outbox WHERE type = 'customer.erasing'")) == 30
    answers = {
        service: lambda service=service: answer(
            site, erasure, [one["id"] for one in gone], [service]
        )
        for service in ("payments", "radius-sync")
    }
    together(answers, 2)
    ended = together({f"worker {n}": lambda: certify(site) for n in range(3)}, 3)
    assert sum(ended.values()) == 1
    assert len(site.rows("SELECT * FROM outbox WHERE type = 'customer.erased'")) == 30


class Life(RuleBasedStateMachine):
    """One customer, any order of acts; the model says what each answers."""

    site: Site
    account: Account
    number = 0

    def __init__(self) -> None:
        super().__init__()
        Life.number += 1
        self.made = self.site.customer(f"model{Life.number}")
        self.id = self.made["id"]
        self.state, self.held = "alive", False
        self.waiting: list[str] = []
        self.won: str | None = None
        self.paid = 1

    def call(self, method: str, url: str, body: Any = None) -> int:
        return self.site.admin.call(method, url, body or {}, If_Match="*").status_code

    @rule()
    def delete(self) -> None:
        status = self.call("POST", f"/v1/customers/{self.id}/delete", {"reason": "test_account"})
        if self.state == "alive":
            assert status == (409 if self.held else 200)
            self.state = self.state if self.held else "deleted"
        else:
            assert status == (200 if self.state == "deleted" else 410)

    @rule()
    def restore(self) -> None:
        status = self.call("POST", f"/v1/deleted-customers/{self.id}/restore")
        if self.state == "deleted":
            assert status == 200
            self.state = "alive"
        elif self.state == "erasing":
            assert status == 410
        else:
            assert status in (200, 409)

    @rule(wanted=st.booleans())
    def hold_by_law(self, wanted: bool) -> None:
        place = f"/v1/customers/{self.id}/legal-hold"
        status = (
            self.call("POST", place, {"case": "1"}) if wanted
            else self.site.admin.delete(place).status_code
        )  # fmt: skip
        if self.state == "erasing":
            assert status == 410
        else:
            assert status == (200 if wanted or self.held else 404)
            self.held = wanted

    @rule()
    def ask(self) -> None:
        body = {"confirm": self.made["customer_number"], "legal_basis": "wish"}
        answered = self.site.admin.bulk(f"/v1/deleted-customers/{self.id}/erase", body)
        if self.state == "erasing":
            assert answered.status_code == 410
        elif self.state == "alive" or self.held:
            assert answered.status_code == 409
        else:
            assert answered.status_code == 202
            self.waiting.append(answered.get_json()["id"])

    @precondition(lambda self: self.waiting)
    @rule()
    def advance(self) -> None:
        advance(self.site)
        if self.state == "deleted" and not self.held:
            self.state, self.won = "erasing", self.waiting[0]
        self.waiting = []

    @precondition(lambda self: self.won)
    @rule(service=st.sampled_from(["payments", "radius-sync"]))
    def receipt(self, service: str) -> None:
        assert self.won
        answer(self.site, self.won, [self.id], [service])

    @rule()
    def pay(self) -> None:
        self.paid += 1
        self.site.hear(self.account(self.id, self.paid, available_funds=str(self.paid)))

    @rule()
    def certify(self) -> None:
        certify(self.site)

    @invariant()
    def books_are_as_the_model_says(self) -> None:
        row = self.site.one("SELECT * FROM customer WHERE id = :id", id=UUID(self.id))
        assert row.state == self.state
        assert (row.name == "") == (self.won is not None)
        done = self.site.rows(
            "SELECT erasure_id FROM erasure_subject WHERE customer_id = :id"
            " AND state IN ('erasing', 'done')",
            id=UUID(self.id),
        )
        assert [str(one.erasure_id) for one in done] == ([self.won] if self.won else [])
        if row.state != "erasing" and self.paid > 1:
            assert row.available_funds == self.paid


@pytest.mark.timeout(300)
def test_any_order_of_acts_is_answered_as_the_model_says(site: Site, account: Account) -> None:
    Life.site, Life.account = site, staticmethod(account)
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
