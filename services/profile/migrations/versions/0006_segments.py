"""Segments: their rules, their members, and when time alone may change a membership."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIMELINE = (
    # Rules count events by name. In the order of time, so that new rows go to the end of each name's
    # range and a window is one stretch of the index, read without the table.
    "ALTER TABLE timeline ADD COLUMN name text",
    """
    UPDATE timeline SET name = CASE type WHEN 'perennial.clicks.clicked.v1' THEN data ->> 'name'
        ELSE split_part(type, '.', 3) END
    """,
    "ALTER TABLE timeline ALTER COLUMN name SET NOT NULL",
    "CREATE INDEX timeline_named ON timeline (name, at) INCLUDE (identity)",
)

SEGMENTS = (
    """
    CREATE TABLE segments (
        segment_id text COLLATE "C" PRIMARY KEY,
        name       text        NOT NULL,
        rule       json        NOT NULL,
        status     text        NOT NULL CHECK (status IN ('computing', 'ready', 'removing')),
        asked      bigint      NOT NULL DEFAULT 1,
        version    bigint      NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE segment_members (
        segment_id  text COLLATE "C" NOT NULL,
        customer_id text COLLATE "C" NOT NULL,
        since       timestamptz NOT NULL,
        PRIMARY KEY (segment_id, customer_id)
    )
    """,
    "CREATE INDEX segment_members_of_customer ON segment_members (customer_id, segment_id)",
    # When a customer must be looked at again although nothing happens. Not unique: a row that is
    # written while the whole base is recomputed must not wait for that.
    """
    CREATE TABLE segment_dues (
        segment_id  text COLLATE "C" NOT NULL,
        customer_id text COLLATE "C" NOT NULL,
        due_at      timestamptz NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)
    """,
    "CREATE INDEX segment_dues_due ON segment_dues (due_at)",
    "CREATE INDEX segment_dues_of_customer ON segment_dues (customer_id, segment_id)",
    # Changes by a new rule, up to the whole base at once: told of some hundreds at a time.
    """
    CREATE TABLE segment_changes (
        id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        segment_id  text COLLATE "C" NOT NULL,
        customer_id text COLLATE "C" NOT NULL,
        entered     boolean     NOT NULL,
        at          timestamptz NOT NULL
    )
    """,
    "CREATE INDEX segment_changes_of_customer ON segment_changes (customer_id)",
)


def upgrade() -> None:
    for statement in (*TIMELINE, *SEGMENTS):
        op.execute(statement)
