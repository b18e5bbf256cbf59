"""A prediction names its model without a check of each row: models are never deleted."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE predictions DROP CONSTRAINT predictions_model_fkey")
