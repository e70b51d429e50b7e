"""The kinds of long work that this service does."""

from __future__ import annotations

from payments.cards.changing import changing
from payments.cards.making import making
from payments.exporting import RESOURCES
from payments.settings import PaymentsSettings
from payments.statements.importing import importing
from payments.statements.looking_up import looking_up
from shared.exporting import export_kind
from shared.jobs import Jobs


def kinds(settings: PaymentsSettings) -> Jobs:
    return Jobs(
        export_kind(RESOURCES, settings),
        making(settings),
        changing(settings),
        importing(),
        looking_up(settings),
    )
