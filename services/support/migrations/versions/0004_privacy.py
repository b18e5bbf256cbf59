"""Erasure: nothing more about somebody who was erased, and the audit log."""

from alembic import op

from perennial_http import CREATE_HTTP_TABLES_V2, guard

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

GUARDS = (guard("cases"), guard("complaints"), guard("messages", through=("cases", "case_id")))


def upgrade() -> None:
    for statement in (*CREATE_HTTP_TABLES_V2, *GUARDS):
        op.execute(statement)
