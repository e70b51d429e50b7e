"""The payments service with every gateway configured, each against its fake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from environs import Env
from flask import Flask
from joserfc.jwk import KeySet

from payments import asking, enrolling, intents, refunding
from payments.gateways import configuration
from payments.settings import PaymentsSettings
from payments.web import build
from payments.webhooks import receiving, working
from shared.database import Database
from tests.payments.gateways.till import Till
from tests.payments.stage import KEY, Stage
from tests.support.gateways.bkash import FakeBkash
from tests.support.gateways.nagad import FakeNagad
from tests.support.gateways.sslcommerz import FakeSslcommerz
from tests.support.gateways.stripe import FakeStripe

# Between two tries at a gateway, by who waits for them.
WAITS = (
    (intents, "BACKOFF"), (intents, "SOON"), (asking, "BACKOFF"), (asking, "APART"),
    (enrolling, "BACKOFF"), (enrolling, "SOON"), (enrolling, "APART"), (refunding, "BACKOFF"),
    (receiving, "BACKOFF"), (working, "BACKOFF"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing falls due because a machine was slow: `Till.pass_time` says when."""
    for module, name in WAITS:
        wait = getattr(module, name)
        longer = tuple(100 * one for one in wait) if isinstance(wait, tuple) else 100 * wait
        monkeypatch.setattr(module, name, longer)


@pytest.fixture
def bkash() -> Iterator[FakeBkash]:
    fake = FakeBkash()
    yield fake
    fake.stop()


@pytest.fixture
def nagad() -> Iterator[FakeNagad]:
    fake = FakeNagad()
    yield fake
    fake.stop()


@pytest.fixture
def sslcommerz() -> Iterator[FakeSslcommerz]:
    fake = FakeSslcommerz()
    yield fake
    fake.stop()


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    fake = FakeStripe()
    yield fake
    fake.stop()


@pytest.fixture
def settings(
    settings: PaymentsSettings,
    bkash: FakeBkash,
    nagad: FakeNagad,
    sslcommerz: FakeSslcommerz,
    stripe: FakeStripe,
    monkeypatch: pytest.MonkeyPatch,
) -> PaymentsSettings:
    for fake in (bkash, nagad, sslcommerz, stripe):
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
    return replace(settings, gateways=configuration.read(Env(), "https://pay.example.net"))


@pytest.fixture
def app(settings: PaymentsSettings, database: Database) -> Flask:
    return build(settings, database, keys=lambda _afresh: KeySet([KEY]))


@pytest.fixture
def till(stage: Stage, database: Database, settings: PaymentsSettings) -> Till:
    return Till(stage, database, settings)
