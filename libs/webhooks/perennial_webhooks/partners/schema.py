"""The tables of partners, for a migration of each service that hears them."""

CREATE_PARTNER_TABLES_V1 = (
    """
    CREATE TABLE partners (
        partner      text COLLATE "C" PRIMARY KEY,
        adapter      text,
        mapping      text,
        verification jsonb       NOT NULL,
        secret       bytea       NOT NULL,
        changed_at   timestamptz NOT NULL,
        version      bigint      NOT NULL
    )
    """,
    # What was taken, by the sender's own id, so that what arrives twice counts once.
    """
    CREATE TABLE partner_deliveries (
        partner     text COLLATE "C" NOT NULL,
        webhook_id  text COLLATE "C" NOT NULL,
        received_at timestamptz NOT NULL,
        PRIMARY KEY (partner, webhook_id)
    )
    """,
    "CREATE INDEX partner_deliveries_received ON partner_deliveries USING brin (received_at)",
    # What could not be mapped or was refused, as it came. Personal data.
    """
    CREATE TABLE partner_parked (
        id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        partner    text COLLATE "C" NOT NULL,
        webhook_id text        NOT NULL,
        headers    jsonb       NOT NULL,
        body       bytea       NOT NULL,
        reason     text        NOT NULL,
        attempts   integer     NOT NULL DEFAULT 1,
        parked_at  timestamptz NOT NULL
    )
    """,
    "CREATE INDEX partner_parked_of ON partner_parked (partner, id)",
)
