"""The tables of this library that stand in every service's database, for its first migration."""

CREATE_EVENT_TABLES_V1 = (
    # Rows wait here from commit until the log has acknowledged them.
    """
    CREATE TABLE outbox (
        id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id uuid        NOT NULL,
        type     text        NOT NULL,
        subject  text        NOT NULL,
        time     timestamptz NOT NULL,
        key      text        NOT NULL,
        imported boolean     NOT NULL,
        data     text        NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)
    """,
    # Where each consumer group stands; committed with the effect of what it read.
    """
    CREATE TABLE offsets (
        consumer_group text        NOT NULL,
        topic          text        NOT NULL,
        partition      integer     NOT NULL,
        next_offset    bigint      NOT NULL DEFAULT 0,
        applied_at     timestamptz NOT NULL DEFAULT now(),
        lag_ms         integer     NOT NULL DEFAULT 0,
        PRIMARY KEY (consumer_group, topic, partition)
    ) WITH (fillfactor = 50)
    """,
    # The ids of what was applied, so that what arrives twice counts once.
    """
    CREATE TABLE inbox (
        event_id uuid        PRIMARY KEY,
        seen_at  timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX inbox_seen_at ON inbox USING brin (seen_at)",
    # Events that cannot be applied, and those of the same key that wait behind them.
    """
    CREATE TABLE parked_events (
        id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic     text        NOT NULL,
        partition integer     NOT NULL,
        "offset"  bigint      NOT NULL,
        event_id  uuid        NOT NULL,
        type      text        NOT NULL,
        source    text        NOT NULL,
        subject   text        NOT NULL,
        time      timestamptz NOT NULL,
        key       text        NOT NULL,
        imported  boolean     NOT NULL,
        data      text        NOT NULL,
        reason    text,
        parked_at timestamptz NOT NULL DEFAULT now(),
        attempts  integer     NOT NULL DEFAULT 1,
        discarded_at timestamptz
    )
    """,
    "CREATE INDEX parked_events_waiting ON parked_events (topic, key, id) WHERE discarded_at IS NULL",
    "CREATE INDEX parked_events_event_id ON parked_events (event_id)",
)
