"""Gift cards and wish lists; the state of shipments; orders that are priced when their rate arrives."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE orders
        ADD COLUMN gift_cards          bigint NOT NULL DEFAULT 0,
        ADD COLUMN gift_cards_refunded bigint NOT NULL DEFAULT 0,
        ADD COLUMN rate_day            date,
        ADD CHECK (gift_cards_refunded <= gift_cards)
    """,
    # What waits for a rate, and what took one of an earlier day.
    """
    CREATE INDEX orders_to_price ON orders (currency, placed_at)
        WHERE base_total IS NULL OR rate_day IS NOT NULL
    """,
    """
    CREATE TABLE rates_loaded (
        day       date        NOT NULL,
        currency  text        NOT NULL,
        loaded_at timestamptz NOT NULL,
        PRIMARY KEY (day, currency)
    )
    """,
    """
    ALTER TABLE shipments
        ADD COLUMN status    text        NOT NULL DEFAULT 'shipped',
        ADD COLUMN status_at timestamptz,
        ADD COLUMN version   bigint      NOT NULL DEFAULT 1
    """,
    """
    UPDATE shipments SET status = last.status, status_at = last.at
    FROM (SELECT DISTINCT ON (shipment_id) shipment_id, status, at
          FROM scans ORDER BY shipment_id, status = 'delivered' DESC, at DESC) AS last
    WHERE last.shipment_id = shipments.shipment_id
    """,
    """
    UPDATE shipments SET status = 'delivered', status_at = delivered_at
    WHERE delivered_at IS NOT NULL AND status <> 'delivered'
    """,
    """
    ALTER TABLE returns
        ADD COLUMN to_gift_cards bigint NOT NULL DEFAULT 0,
        ADD COLUMN base_amount   bigint,
        ADD COLUMN version       bigint NOT NULL DEFAULT 1
    """,
    # Codes are as good as money, so that only their hashes are kept.
    """
    CREATE TABLE gift_cards (
        gift_card_id text COLLATE "C" PRIMARY KEY,
        code_sha256  bytea       NOT NULL UNIQUE,
        code_end     text        NOT NULL,
        customer_id  text COLLATE "C",
        currency     text        NOT NULL,
        amount       bigint      NOT NULL,
        balance      bigint      NOT NULL CHECK (balance >= 0),
        issued_at    timestamptz NOT NULL,
        expires_at   timestamptz,
        version      bigint      NOT NULL
    )
    """,
    "CREATE INDEX gift_cards_issued ON gift_cards (issued_at, gift_card_id)",
    """
    CREATE INDEX gift_cards_of_customer ON gift_cards (customer_id, issued_at, gift_card_id)
        WHERE customer_id IS NOT NULL
    """,
    """
    CREATE TABLE gift_card_entries (
        entry_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        gift_card_id text COLLATE "C" NOT NULL REFERENCES gift_cards,
        at           timestamptz NOT NULL,
        kind         text        NOT NULL,
        amount       bigint      NOT NULL,
        balance      bigint      NOT NULL,
        order_id     text COLLATE "C" REFERENCES orders,
        return_id    text COLLATE "C"
    )
    """,
    "CREATE INDEX gift_card_ledger ON gift_card_entries (gift_card_id, entry_id)",
    """
    CREATE INDEX gift_cards_of_order ON gift_card_entries (order_id, entry_id)
        WHERE order_id IS NOT NULL
    """,
    """
    CREATE TABLE wish_list_items (
        customer_id text COLLATE "C" NOT NULL,
        sku         text COLLATE "C" NOT NULL,
        added_at    timestamptz NOT NULL,
        PRIMARY KEY (customer_id, sku)
    )
    """,
    "CREATE INDEX wish_lists_by_time ON wish_list_items (customer_id, added_at, sku)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
