"""Reviews: five levels, and what the customer wrote."""

from alembic import op

from perennial_http import guard

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE reviews (
        review_id    text COLLATE "C" PRIMARY KEY,
        customer_id  text COLLATE "C" NOT NULL,
        order_id     text COLLATE "C",
        sku          text COLLATE "C",
        rating       bigint      NOT NULL CHECK (rating BETWEEN 1 AND 5),
        title        text,
        text         text,
        channel      text,
        submitted_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX reviews_submitted ON reviews (submitted_at, review_id)",
    "CREATE INDEX reviews_of_customer ON reviews (customer_id, submitted_at, review_id)",
    "CREATE INDEX reviews_of_order ON reviews (order_id, submitted_at, review_id) WHERE order_id IS NOT NULL",
    guard("reviews"),
    "CREATE INDEX reviews_of_sku ON reviews (sku, submitted_at, review_id) WHERE sku IS NOT NULL",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
