"""What stands in Redis or in a log keeps the certificate back, and is named (A38, B30)."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis import Redis

from customers import certifying, filing
from customers.certificates import verify
from customers.leftovers import files, logs, redis_keys, tables
from local_site.redis_server import Redis as Server
from shared.messaging import celery_app, hand_over
from shared.outbox import Unsent, unsent
from tests.customers.conftest import Site
from tests.customers.erasing import advance, answer, ask, search_elsewhere
from tests.customers.test_certificates import keys
from tests.support.servers import start_redis


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    """One that keeps files, as a site's own does."""
    server = start_redis(tmp_path / "redis", durable=True)
    yield server
    server.stop()


@pytest.fixture
def searched(site: Site, redis: Server, tmp_path: Path) -> Site:
    """The site with a Redis and a folder of logs of its own."""
    folder = tmp_path / "log"
    folder.mkdir()
    site.settings = replace(site.settings, redis_url=redis.url, log_folder=folder)
    return site


def answered(site: Site) -> tuple[str, dict[str, Any]]:
    """An erasure that waits for its certificate only, and who was erased."""
    gone = site.deleted("vexworth.q", name="Quillon Vexworth", phone="+8801799887766")
    erasure = ask(site, gone)
    advance(site)
    answer(site, erasure, [gone["id"]])
    filing.file_due(site.database, site.settings)
    return erasure, gone


def certify(site: Site) -> int:
    """As the worker's next round, when its rest is over."""
    filing.file_due(site.database, site.settings)
    search_elsewhere(site)
    site.change("UPDATE erasure SET search_at = now()")
    return certifying.certify_due(site.database, site.settings)


def seen(site: Site, erasure: str) -> dict[str, Any]:
    found: dict[str, Any] = site.admin.get(f"/v1/erasures/{erasure}").get_json()
    return found


def certified(site: Site, erasure: str) -> dict[str, Any]:
    document = site.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()["document"]
    told: dict[str, Any] = document["leftovers"]["customers"]
    return told


def test_a_key_that_names_the_erased_keeps_the_certificate_back_until_it_is_gone(
    searched: Site, redis: Server
) -> None:
    erasure, _ = answered(searched)
    with Redis.from_url(redis.url) as client:
        client.set("somebody:cached", '{"email": "x", "login": "VEXWORTH.q"}')
        assert certify(searched) == 0
        told = seen(searched, erasure)
        assert told["state"] == "running"
        assert told["leftovers"]["hits"] == [{"redis": "somebody:cached", "do": redis_keys.REMOVE}]
        none = searched.admin.get(f"/v1/erasures/{erasure}/certificate")
        assert none.status_code == 409
        assert len(searched.rows("SELECT * FROM erasure_needle")) == 1, "still to be looked for"
        client.delete("somebody:cached")
    assert certify(searched) == 1
    assert certified(searched, erasure)["redis"]["searched"] is True
    assert seen(searched, erasure)["leftovers"]["hits"] == []


def test_a_line_of_a_log_keeps_the_certificate_back_until_it_is_gone(searched: Site) -> None:
    erasure, _ = answered(searched)
    folder = searched.settings.log_folder
    assert folder is not None
    (folder / "customers-web.log").write_text('{"event": "started"}\n')
    packed = folder / "old" / "payments-worker.log.2.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(b'{"event": "x"}\n{"event": "dialled 01799-887766"}\n'))
    assert certify(searched) == 0
    told = seen(searched, erasure)["leftovers"]
    place = {"log": "old/payments-worker.log.2.gz", "from_line": 1, "do": logs.TAKE_OUT}
    assert told["hits"] == [place] and told["logs"]["files"] == 2
    packed.unlink()
    assert certify(searched) == 1
    assert certified(searched, erasure)["logs"] == {"searched": True, "files": 1, "bytes": 21}


def test_the_search_rests_before_it_looks_again_and_tells_nobody_who_it_is(
    searched: Site, redis: Server
) -> None:
    erasure, _ = answered(searched)
    with Redis.from_url(redis.url) as client:
        client.set("vexworth.q", "1")
        assert certify(searched) == 0
        client.delete("vexworth.q")
    (rest,) = searched.rows("SELECT extract(epoch FROM search_at - searched_at) AS s FROM erasure")
    assert rest.s >= certifying.SHORTEST_REST
    searched.change("UPDATE erasure SET search_at = now() + interval '1 hour'")
    assert certifying.certify_due(searched.database, searched.settings) == 0, "it rests"
    (hit,) = seen(searched, erasure)["leftovers"]["hits"]
    assert hit["redis"] == "[…]", "what is told names nobody"
    assert certify(searched) == 1


def test_events_that_wait_in_a_queue_are_removed_and_read_though_packed(
    searched: Site, redis: Server
) -> None:
    """A subscriber that was away for long: its feed tells it the erasure, its queue is still full."""
    gone = searched.deleted("vexworth.q", name="Quillon Vexworth")
    stays = searched.customer("stays.q")
    app = celery_app(searched.settings)
    for subject in (gone["id"], stays["id"]):
        hand_over(app, "payments", "customers", _of(searched, subject))
    erasure = ask(searched, gone)
    advance(searched)
    answer(searched, erasure, [gone["id"]])
    with Redis.from_url(redis.url) as client:
        first, second = client.lrange("payments", 0, -1)
        assert b"vexworth" not in first + second, "it is packed"
        client.hset("unacked", "tag", b"[" + second + b', "", "payments"]')
        client.zadd("unacked_index", {"tag": 1})
        assert certify(searched) == 1
        assert client.lrange("payments", 0, -1) == [first], "another's message waits on"
        assert client.hgetall("unacked") == {} and client.zcard("unacked_index") == 0
    told = certified(searched, erasure)["redis"]
    assert told["removed"] == 2 and told["keys"] > 0


def _of(site: Site, subject: str) -> list[Unsent]:
    """What the relay would hand over of one customer."""
    with site.database.transaction() as session:
        found = unsent(session, "customers", 100, 100)
    return [replace(part, events=_only(part.events, subject)) for part in found]


def _only(events: str, subject: str) -> str:
    kept = [event for event in orjson.loads(events) if event["subject"] == subject]
    return orjson.dumps(kept).decode()


def test_what_was_removed_does_not_lie_in_the_files_of_redis(searched: Site, redis: Server) -> None:
    with Redis.from_url(redis.url) as client:
        client.set("short", "vexworth.q")
        client.delete("short")
        client.config_set("save", "3600 1")
    files = list((redis.folder / "appendonlydir").iterdir())
    assert any(b"vexworth.q" in file.read_bytes() for file in files)
    erasure, _ = answered(searched)
    assert certify(searched) == 1
    assert certified(searched, erasure)["redis"]["files"] == "written anew"
    left = [file for file in redis.folder.rglob("*") if file.is_file()]
    assert len(left) >= 3 and not any(b"vexworth.q" in file.read_bytes() for file in left)


def test_while_redis_is_away_nothing_is_certified(searched: Site, redis: Server) -> None:
    erasure, _ = answered(searched)
    redis.kill()
    assert certify(searched) == 0
    told = seen(searched, erasure)["leftovers"]
    assert told["redis"] == {"searched": False, "because": certifying.AWAY}
    assert told["hits"][0]["do"] == "see that it answers"
    redis.start()
    assert certify(searched) == 1


def test_what_a_crash_ends_in_the_middle_is_searched_and_certified_anew_f35(
    searched: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each place in turn, and in the certificate itself: nothing is half done."""
    erasure, _ = answered(searched)
    for place, what in (
        (redis_keys, "search"), (logs, "search"), (tables, "search"), (files, "search"),
        (certifying, "document"),
    ):  # fmt: skip
        with monkeypatch.context() as crash:
            crash.setattr(place, what, _crash)
            with pytest.raises(KeyboardInterrupt):
                certify(searched)
        assert seen(searched, erasure)["state"] == "running"
        assert searched.rows("SELECT * FROM certificate") == []
        assert len(searched.rows("SELECT * FROM erasure_needle")) == 1
    assert certify(searched) == 1 and certified(searched, erasure)["hits"] == []


def _crash(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_site_that_logs_to_standard_output_is_told_that_its_logs_were_not_searched(
    searched: Site,
) -> None:
    searched.settings = replace(searched.settings, log_folder=None)
    erasure, _ = answered(searched)
    assert certify(searched) == 1
    told = certified(searched, erasure)["logs"]
    assert told == {"searched": False, "because": logs.BY_STDOUT}


def test_a_folder_of_logs_that_is_not_there_is_no_yes(searched: Site, tmp_path: Path) -> None:
    searched.settings = replace(searched.settings, log_folder=tmp_path / "elsewhere")
    erasure, _ = answered(searched)
    assert certify(searched) == 0
    assert seen(searched, erasure)["leftovers"]["hits"][0]["unreadable"] is True


def test_who_is_not_named_does_not_wait_for_who_is(searched: Site) -> None:
    """One reading of the logs for both."""
    named, _ = answered(searched)
    other = searched.deleted("brackwater.z", name="Zilla Brackwater")
    erasure = ask(searched, other)
    advance(searched)
    answer(searched, erasure, [other["id"]])
    folder = searched.settings.log_folder
    assert folder is not None
    (folder / "a.log").write_text("Quillon Vexworth\n")
    assert certify(searched) == 1
    assert (seen(searched, named)["state"], seen(searched, erasure)["state"]) == ("running", "done")


def test_a_person_may_accept_what_is_found_and_stands_in_the_certificate(searched: Site) -> None:
    """A login that is a word of the logs too, say: nobody is kept waiting for ever."""
    erasure, _ = answered(searched)
    place = f"/v1/erasures/{erasure}/accept"
    early = searched.admin.post(place, {"reason": "a word of ours"})
    assert early.status_code == 409 and early.get_json()["errors"][0]["code"] == "erasure_state"
    folder = searched.settings.log_folder
    assert folder is not None
    (folder / "a.log").write_text("vexworth.q starts\n")
    assert certify(searched) == 0
    unsaid = searched.admin.post(place, {"reason": ""})
    assert unsaid.status_code == 422 and unsaid.get_json()["errors"][0]["pointer"] == "/reason"
    taken = searched.admin.post(place, {"reason": "the name of a program"})
    assert taken.status_code == 200 and taken.get_json()["accepted"]["by"] == "admin"
    assert searched.admin.post(place, {"reason": "again"}).get_json() == taken.get_json()
    assert certifying.certify_due(searched.database, searched.settings) == 1
    told = certified(searched, erasure)
    assert told["accepted"]["reason"] == "the name of a program"
    assert [hit["log"] for hit in told["hits"]] == ["a.log"]
    body = searched.admin.get(f"/v1/erasures/{erasure}/certificate").get_json()
    verify(body["document"], body["signature"], keys(searched))
    (entry,) = searched.admin.get("/v1/operations?action=erasure.leftovers_accepted").get_json()[
        "items"
    ]
    assert entry["actor"] == "admin" and entry["reason"] == "the name of a program"
