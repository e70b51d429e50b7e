"""A site that charges a tax."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from flask import Flask

from payments.settings import PaymentsSettings
from payments.taxing import TaxRule


@contextmanager
def charging(app: Flask, rule: TaxRule) -> Iterator[None]:
    """The site charges this tax, by its routes and by what it hears."""
    before: PaymentsSettings = app.extensions["tenure.settings"]
    now = replace(before, tax=rule)
    app.extensions["tenure.settings"] = now
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("payments.subscriptions.current", lambda: now)
        yield
    app.extensions["tenure.settings"] = before
