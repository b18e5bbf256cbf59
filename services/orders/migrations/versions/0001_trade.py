"""The trade: products, orders, shipments, returns, and the libraries' own tables."""

from alembic import op

from perennial_events.schema import CREATE_EVENT_TABLES_V1
from perennial_http import CREATE_HTTP_TABLES_V1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE products (
        sku                  text COLLATE "C" PRIMARY KEY,
        name                 text,
        category             text,
        price                bigint,
        cost                 bigint,
        currency             text,
        attributes           jsonb       NOT NULL,
        image_url            text,
        available            boolean     NOT NULL,
        replenish_after_days bigint,
        changed_at           timestamptz NOT NULL,
        version              bigint      NOT NULL
    )
    """,
    """
    CREATE TABLE orders (
        order_id      text COLLATE "C" PRIMARY KEY,
        customer_id   text COLLATE "C" NOT NULL,
        status        text        NOT NULL,
        store         text,
        channel       text,
        coupon        text,
        currency      text        NOT NULL,
        lines         jsonb       NOT NULL,
        items         bigint      NOT NULL,
        discount      bigint      NOT NULL,
        shipping      bigint      NOT NULL,
        paid          bigint      NOT NULL,
        refunded      bigint      NOT NULL CHECK (refunded <= paid),
        base_total    bigint,
        base_refunded bigint      NOT NULL,
        base_cost     bigint,
        placed_at     timestamptz NOT NULL,
        paid_at       timestamptz,
        delivered_at  timestamptz,
        completed_at  timestamptz,
        cancelled_at  timestamptz,
        version       bigint      NOT NULL
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX orders_placed ON orders (placed_at, order_id)",
    "CREATE INDEX orders_of_customer ON orders (customer_id, placed_at, order_id)",
    """
    CREATE TABLE shipments (
        shipment_id     text COLLATE "C" PRIMARY KEY,
        order_id        text COLLATE "C" NOT NULL REFERENCES orders,
        customer_id     text COLLATE "C" NOT NULL,
        carrier         text        NOT NULL,
        tracking_number text        NOT NULL,
        lines           jsonb       NOT NULL,
        promised_at     timestamptz NOT NULL,
        shipped_at      timestamptz NOT NULL,
        delivered_at    timestamptz,
        delay_told_at   timestamptz
    )
    """,
    "CREATE INDEX shipments_of_order ON shipments (order_id)",
    """
    CREATE INDEX shipments_awaited ON shipments (promised_at)
        WHERE delivered_at IS NULL AND delay_told_at IS NULL
    """,
    """
    CREATE TABLE scans (
        shipment_id text COLLATE "C" NOT NULL REFERENCES shipments,
        at          timestamptz      NOT NULL,
        status      text             NOT NULL,
        lat         double precision,
        lon         double precision,
        place       text,
        PRIMARY KEY (shipment_id, at, status)
    )
    """,
    """
    CREATE TABLE returns (
        return_id    text COLLATE "C" PRIMARY KEY,
        order_id     text COLLATE "C" NOT NULL REFERENCES orders,
        customer_id  text COLLATE "C" NOT NULL,
        kind         text        NOT NULL,
        reason       text        NOT NULL,
        lines        jsonb       NOT NULL,
        status       text        NOT NULL,
        amount       bigint      NOT NULL,
        requested_at timestamptz NOT NULL,
        decided_at   timestamptz,
        received_at  timestamptz,
        refunded_at  timestamptz
    )
    """,
    "CREATE INDEX returns_of_order ON returns (order_id)",
    """
    CREATE TABLE exchange_rates (
        day      date    NOT NULL,
        currency text    NOT NULL,
        rate     numeric NOT NULL,
        PRIMARY KEY (day, currency)
    )
    """,
)


def upgrade() -> None:
    for statement in (*CREATE_EVENT_TABLES_V1, *CREATE_HTTP_TABLES_V1, *TABLES):
        op.execute(statement)
