"""A backup of the whole server, made before two erasures, is restored after them (F36, I9, I10)."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from local_site.postgresql import Survives
from local_site.roles import MIGRATE, ROLES
from tests.flows.front_end import CUSTOMERS, PAYMENTS, RADIUS, TIMEOUT, Json
from tests.flows.leftovers import places_that_name
from tests.flows.site import START_SECONDS, Site, start_site
from tests.support.waiting import until

PASSWORD = "kotha-7-bolo"
SERVICES = (CUSTOMERS, PAYMENTS, RADIUS)
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """Its databases are thrown away in the middle."""
    site = start_site(tmp_path / "site", survives=Survives.KILL)
    yield site
    site.stop()


@dataclass
class Person:
    """A customer who paid and may be online, and what an erasure of theirs is asked to leave."""

    mode: str
    name: str
    username: str
    phone: str
    made: Json = field(default_factory=dict)
    erasure: str = ""

    @property
    def words(self) -> list[str]:
        return [
            self.name,
            self.username,
            self.phone.removeprefix("+"),
            self.made["customer_number"],
        ]

    @property
    def pages(self) -> list[tuple[str, str]]:
        return [
            (CUSTOMERS, f"/v1/customers/{self.made['id']}"),
            (CUSTOMERS, f"/v1/deleted-customers/{self.made['id']}"),
            (CUSTOMERS, f"/v1/customers?username={self.username}"),
            (CUSTOMERS, "/v1/events?limit=500&type=customer.created"),
            (PAYMENTS, f"/v1/payments?customer_id={self.made['id']}"),
            (RADIUS, f"/v1/subscribers/{self.username}"),
        ]


class Eyes:
    """Asks every service for the persons over and over, and notes every answer that shows one."""

    def __init__(self, site: Site, people: list[Person]) -> None:
        self.site, self.people = site, people
        self.header = dict(site.admin.session.headers)
        self.seen: list[str] = []
        self.statuses: set[int] = set()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._look)

    def __enter__(self) -> Eyes:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join()

    def _look(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.headers.update(self.header)
            while not self.stopping.wait(0.05):
                for person in self.people:
                    for service, page in person.pages:
                        self._ask(session, person, self.site.urls[service] + page)

    def _ask(self, session: requests.Session, person: Person, url: str) -> None:
        try:
            answer = session.get(url, timeout=TIMEOUT)
        except requests.RequestException:
            return  # not up yet
        self.statuses.add(answer.status_code)
        shown = answer.ok and any(word in answer.text for word in person.words)
        if shown or person.name in answer.text:
            self.seen.append(f"{url}: {answer.status_code} {answer.text[:500]}")


def test_f36_a_backup_of_before_two_erasures_serves_nobody_who_was_erased(
    own_site: Site, tmp_path: Path
) -> None:
    people = [
        Person("pseudonymise", "Jhorna Begum Qazi", "jhornaqz", "+8801811777666"),
        Person("everything", "Quillon Vexworth", "vexworthq", "+8801799887766"),
    ]
    for person in people:
        _is_online_and_paid(own_site, person)
    copy = tmp_path / "backup"
    _swap(own_site, lambda folder: shutil.copytree(folder, copy))
    own_site.wait_until_running(START_SECONDS)
    for person in people:
        _is_erased(own_site, person)

    own_site.admin.sign_in()  # nobody signs in to a closed site, and a token lives for ten minutes
    own_site.stop_roles()
    assert own_site.freeradius
    own_site.freeradius.stop()
    _swap(own_site, lambda folder: _replace(folder, copy))
    with Eyes(own_site, people) as eyes:
        _web_roles_alone_serve_nothing(own_site, people)
        until(lambda: 503 in eyes.statuses, message="nobody looked at the closed site")
        own_site.run(MIGRATE)
        own_site.freeradius.start()
        for person in people:
            assert not own_site.ask(person.username, PASSWORD).accepted
        _the_erasures_come_to_their_end_again(own_site, people)
        until(lambda: 410 in eyes.statuses, message="nobody looked at the open site")
    assert eyes.seen == []
    for person in people:
        assert not own_site.ask(person.username, PASSWORD).accepted
        # The answers to our own questions name the login: those alone.
        assert set(places_that_name(own_site, person.words)) == {"radius.radpostauth"}
        answers = own_site.rows(
            "radius", "SELECT DISTINCT reply FROM radpostauth WHERE username = %s", person.username
        )
        assert answers == [{"reply": "Access-Reject"}]


def _is_online_and_paid(site: Site, person: Person) -> None:
    package = site.admin.create_package(f"Home of {person.mode}")
    person.made = site.admin.create_customer(
        person.username, PASSWORD, package_id=package["id"], name=person.name, phone=person.phone
    )
    site.admin.activate(person.made["id"])
    site.admin.record_payment(person.made["id"], "500.00")
    site.until_accepted(person.username, PASSWORD)


def _is_erased(site: Site, person: Person) -> None:
    site.admin.delete(person.made["id"])
    # As if its retention period were over.
    site.rows("customers", "UPDATE customer SET erase_after = NULL RETURNING id")
    ended = site.admin.erase(person.made, person.mode)
    assert (ended["state"], ended["source"]) == ("done", "request"), ended
    person.erasure = ended["id"]


def _swap(site: Site, change: Callable[[Path], object]) -> None:
    """Do it to the folder of PostgreSQL while PostgreSQL is stopped."""
    site.postgres.stop()
    change(site.postgres.folder)
    site.postgres.start()


def _replace(folder: Path, copy: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)


def _web_roles_alone_serve_nothing(site: Site, people: list[Person]) -> None:
    """The databases have everybody back, and nothing has read the file yet."""
    for person in people:
        found = site.rows("customers", "SELECT name FROM customer WHERE id = %s", person.made["id"])
        assert [row["name"] for row in found] == [person.name]
    for role in ROLES:
        if role.port and role.module != "console":
            site.start_role(role)
    for service in SERVICES:
        url = site.urls[service]
        until(lambda url=url: _answers(f"{url}/livez"), START_SECONDS, f"{service} is not up")  # type: ignore[misc]
        ready = _get(f"{url}/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["tombstones"] is False, ready.text
    for person in people:
        for service, page in person.pages:
            assert site.admin.session.get(site.urls[service] + page).status_code == 503


def _get(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=TIMEOUT)


def _answers(url: str) -> bool:
    try:
        return _get(url).ok
    except requests.RequestException:
        return False


def _the_erasures_come_to_their_end_again(site: Site, people: list[Person]) -> None:
    for role in ROLES:
        if role.name not in site.roles or not site.roles[role.name].running:
            site.start_role(role)
    site.wait_until_running(START_SECONDS)
    for person in people:
        ended = site.admin.wait_for_erasure(person.erasure)
        kept = {name: ended[name] for name in ("state", "source", "mode", "done")}
        assert kept == {"state": "done", "source": "replay", "mode": person.mode, "done": 1}
        assert set(ended["receipts"]) == set(SERVICES)
        proof = site.admin.get(CUSTOMERS, f"/v1/erasures/{person.erasure}/certificate")["document"]
        assert (proof["mode"], proof["source"]) == (person.mode, "replay")
        assert proof["subjects"] == [person.made["id"]]
        page = f"/v1/customers/{person.made['id']}"
        assert site.admin.send(CUSTOMERS, "GET", page).status_code == 410
        left = site.rows(
            "payments",
            "SELECT count(*) AS n FROM payment WHERE customer_id = %s",
            person.made["id"],
        )
        assert left == [{"n": 1 if person.mode == "pseudonymise" else 0}]
