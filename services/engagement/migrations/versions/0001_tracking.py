"""Tracking keeps nothing of its own: the libraries' tables only."""

from alembic import op

from perennial_events.schema import CREATE_EVENT_TABLES_V1
from perennial_http import CREATE_HTTP_TABLES_V1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (*CREATE_EVENT_TABLES_V1, *CREATE_HTTP_TABLES_V1):
        op.execute(statement)
