"""The HTTP routes of payments."""

from payments.api.accounts import accounts
from payments.api.bills import bills
from payments.api.card_redeeming import redeeming_cards
from payments.api.cards import cards
from payments.api.cash import cash
from payments.api.credits import credits
from payments.api.dunning import dunning
from payments.api.intents import intents
from payments.api.methods import methods
from payments.api.number_patterns import number_patterns
from payments.api.payments import payments
from payments.api.proformas import proformas
from payments.api.receipts import receipts
from payments.api.reports import reports
from payments.api.reviews import reviews
from payments.api.schedules import schedules
from payments.api.statements import statements
from payments.api.webhooks import webhooks
from shared.http import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = (
    payments, receipts, bills, accounts, reports, credits, cards, redeeming_cards,
    intents, webhooks, reviews, dunning, cash, statements,
    schedules, proformas, methods, number_patterns,
)  # fmt: skip
