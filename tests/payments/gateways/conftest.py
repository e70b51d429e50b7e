"""The payments service with every gateway configured, each against its fake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from environs import Env
from flask import Flask
from joserfc.jwk import KeySet

from payments.gateways import configuration
from payments.settings import PaymentsSettings
from payments.web import build
from shared.database import Database
from tests.payments.gateways.till import Till
from tests.payments.stage import KEY, Stage
from tests.support.gateways.bkash import FakeBkash


@pytest.fixture
def bkash() -> Iterator[FakeBkash]:
    fake = FakeBkash()
    yield fake
    fake.stop()


@pytest.fixture
def settings(
    settings: PaymentsSettings, bkash: FakeBkash, monkeypatch: pytest.MonkeyPatch
) -> PaymentsSettings:
    for name, value in bkash.environment.items():
        monkeypatch.setenv(name, value)
    return replace(settings, gateways=configuration.read(Env(), "https://pay.example.net"))


@pytest.fixture
def app(settings: PaymentsSettings, database: Database) -> Flask:
    return build(settings, database, keys=lambda _afresh: KeySet([KEY]))


@pytest.fixture
def till(stage: Stage, database: Database, settings: PaymentsSettings) -> Till:
    return Till(stage, database, settings)
