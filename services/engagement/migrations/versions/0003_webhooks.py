"""Webhooks out: endpoints, what they are sent, and how far each delivery has come."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE webhook_endpoints (
        endpoint_id     text COLLATE "C" PRIMARY KEY,
        url             text        NOT NULL,
        event_types     text[]      NOT NULL,
        description     text,
        payload         text        NOT NULL,
        ordered         boolean     NOT NULL,
        status          text        NOT NULL,
        note            text,
        secret          bytea       NOT NULL,
        previous_secret bytea,
        previous_until  timestamptz,
        failures        integer     NOT NULL DEFAULT 0,
        failing_since   timestamptz,
        open_until      timestamptz,
        created_at      timestamptz NOT NULL,
        version         bigint      NOT NULL
    )
    """,
    "CREATE INDEX webhook_endpoints_created ON webhook_endpoints (created_at, endpoint_id)",
    # One row an event, however many endpoints it goes to.
    """
    CREATE TABLE webhook_messages (
        event_id   uuid        PRIMARY KEY,
        type       text        NOT NULL,
        at         timestamptz NOT NULL,
        data       text        NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX webhook_messages_created ON webhook_messages USING brin (created_at)",
    # `order_key` is the customer where the endpoint asks for their events in order.
    """
    CREATE TABLE webhook_deliveries (
        delivery_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        endpoint_id  text COLLATE "C" NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
        event_id     uuid        NOT NULL,
        type         text        NOT NULL,
        order_key    text COLLATE "C",
        status       text        NOT NULL,
        attempts     integer     NOT NULL DEFAULT 0,
        due_at       timestamptz NOT NULL,
        last_status  integer,
        last_failure text,
        created_at   timestamptz NOT NULL,
        finished_at  timestamptz
    ) WITH (fillfactor = 90)
    """,
    "CREATE INDEX webhook_deliveries_of_endpoint ON webhook_deliveries (endpoint_id, delivery_id)",
    """
    CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at, delivery_id)
        WHERE status = 'pending'
    """,
    """
    CREATE INDEX webhook_deliveries_in_order
        ON webhook_deliveries (endpoint_id, order_key, delivery_id)
        WHERE status = 'pending' AND order_key IS NOT NULL
    """,
    "CREATE INDEX webhook_deliveries_created ON webhook_deliveries USING brin (created_at)",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
