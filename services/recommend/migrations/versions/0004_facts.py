"""Facts instead of counts: the models are kept in memory, and follow a journal.

What was counted cannot be told apart again: after this, `perennial rebuild recommend recommendations
--accept-difference` brings back the views of before (the last ten of each visitor stay at once).
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PROJECTION = (
    "ALTER TABLE products ADD COLUMN name text, ADD COLUMN category text, ADD COLUMN price bigint,"
    " ADD COLUMN runs_out_days integer, ADD COLUMN described_at timestamptz",
    "ALTER TABLE returned RENAME TO rejections",
    """
    CREATE TABLE views (
        identity text COLLATE "C" NOT NULL,
        sku      text COLLATE "C" NOT NULL,
        at       timestamptz NOT NULL,
        added    boolean NOT NULL
    )
    """,
    "CREATE INDEX views_at ON views (at)",
    "CREATE INDEX baskets_placed_at ON baskets (placed_at)",
    """
    INSERT INTO views (identity, sku, at, added)
    SELECT identity, seen.key, to_timestamp(seen.value::double precision / 1000), false
    FROM recent_views, jsonb_each_text(views) AS seen
    """,
    "DROP TABLE recent_views, basket_counts, basket_pairs, view_counts, view_pairs, trends",
)

# Not of the projection: a rebuild leaves these alone.
FOLLOWING = (
    # What a transaction changed, for whoever keeps models in memory. A reader asks for what its last
    # snapshot did not show, so that none is missed, however long a transaction took.
    """
    CREATE TABLE journal (
        id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        xid     xid8 NOT NULL DEFAULT pg_current_xact_id(),
        at      timestamptz NOT NULL DEFAULT clock_timestamp(),
        changes text NOT NULL
    )
    """,
    "CREATE INDEX journal_xid ON journal (xid)",
    "CREATE INDEX journal_at ON journal (at)",
    # Views of before are not kept: one row.
    "CREATE TABLE horizon (views_from timestamptz NOT NULL)",
    "INSERT INTO horizon VALUES ('-infinity')",
    """
    CREATE TABLE fits (
        fit_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        fitted_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
        interactions bigint NOT NULL,
        seconds      double precision NOT NULL,
        figures      jsonb NOT NULL,
        arrays       bytea NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in (*PROJECTION, *FOLLOWING):
        op.execute(statement)
