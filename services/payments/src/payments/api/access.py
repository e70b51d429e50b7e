"""Which answers show personal data: who was shown them stands in `/v1/access-log`."""

from __future__ import annotations

from collections.abc import Mapping

from shared.http.looking import FILE, SHOWN_BY_ALL

# By route: what it shows. Every other GET shows sums, rules, operators or states (a test lists them).
SHOWS: Mapping[str, str] = {
    **SHOWN_BY_ALL,
    FILE: "export_file",
    "/v1/payments": "payments",
    "/v1/payments/<uuid:payment_id>": "payment",
    "/v1/payments/<uuid:payment_id>/receipt": "receipt",
    "/v1/bills": "bills",
    "/v1/bills/<uuid:bill_id>": "bill",
    "/v1/proforma-bills": "proforma_bills",
    "/v1/proforma-bills/<uuid:proforma_id>": "proforma_bill",
    "/v1/credits": "credits",
    "/v1/credits/<uuid:credit_id>": "credit",
    "/v1/customers/<uuid:customer_id>/balance": "customer.balance",
    "/v1/customers/<uuid:customer_id>/statement": "customer.statement",
    "/v1/payment-intents": "payment_intents",
    "/v1/payment-intents/<uuid:intent_id>": "payment_intent",
    "/v1/payment-methods": "payment_methods",
    "/v1/payment-methods/<uuid:method_id>": "payment_method",
    "/v1/payment-reviews": "payment_reviews",
    "/v1/payment-reviews/<uuid:review_id>": "payment_review",
    "/v1/gateway-refunds": "gateway_refunds",
    "/v1/webhook-deliveries": "webhook_deliveries",
    "/v1/webhook-deliveries/<uuid:delivery_id>": "webhook_delivery",
    "/v1/promises": "promises",
    "/v1/reminders": "reminders",
    "/v1/reports/ageing": "ageing",
    "/v1/statement-lines": "statement_lines",
    "/v1/recharge-cards": "recharge_cards",
    "/v1/recharge-cards/<string:serial>": "recharge_card",
    "/v1/recharge-cards/batches/<uuid:batch_id>/file": "recharge_card_file",
}
