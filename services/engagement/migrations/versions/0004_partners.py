"""Webhooks in: partners, what they sent, and what waits to be mapped."""

from alembic import op

from perennial_webhooks import CREATE_PARTNER_TABLES_V1

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in CREATE_PARTNER_TABLES_V1:
        op.execute(statement)
