"""Aliases take merges: the next step beside the end of all steps (perennial_events/identities.py)."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (
        'ALTER TABLE aliases ADD COLUMN into_id text COLLATE "C",'
        " ALTER COLUMN customer_id DROP NOT NULL",
        "UPDATE aliases SET into_id = customer_id",
        "CREATE INDEX aliases_into ON aliases (into_id)",
    ):
        op.execute(statement)
