"""What the value model predicts of each customer."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE predictions (
            customer_id         text COLLATE "C" PRIMARY KEY,
            p_alive             double precision NOT NULL,
            expected_orders_90d double precision NOT NULL,
            clv_365d            bigint           NOT NULL,
            next_order_by       timestamptz,
            model               bigint           NOT NULL,
            computed_at         timestamptz      NOT NULL
        )
        """
    )
