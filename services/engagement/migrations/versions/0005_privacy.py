"""Erasure and the audit log."""

from alembic import op

from perennial_http import CREATE_HTTP_TABLES_V2

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in CREATE_HTTP_TABLES_V2:
        op.execute(statement)
