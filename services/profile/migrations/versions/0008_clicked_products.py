"""The timeline knows which product was clicked, so that a read need not open every click."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIMELINE = (
    'ALTER TABLE timeline ADD COLUMN sku text COLLATE "C"',
    "UPDATE timeline SET sku = data ->> 'sku' WHERE type = 'perennial.clicks.clicked.v1'",
)


def upgrade() -> None:
    for statement in TIMELINE:
        op.execute(statement)
