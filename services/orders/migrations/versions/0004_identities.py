"""Who answers to a customer's id, as merges and their undoing tell it."""

from alembic import op

from perennial_events.identities import CREATE_ALIASES_V1

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in CREATE_ALIASES_V1:
        op.execute(statement)
