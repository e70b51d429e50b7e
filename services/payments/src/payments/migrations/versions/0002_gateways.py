"""Payment gateways: intents, raw deliveries, claims, reviews, refunds."""

from pathlib import Path

from alembic import context, op

from shared.migrating import run_script, scope_rows

revision = "0002"
down_revision = "0001"

SCOPED = (
    "payment_intent", "webhook_delivery", "gateway_transaction", "payment_review", "gateway_refund",
)  # fmt: skip


def upgrade() -> None:
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_suffix(".sql"))
    for table in SCOPED:
        scope_rows(connection, context.config.attributes["role"], table)
