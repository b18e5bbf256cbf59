"""Consents with their history, erasures, and what the libraries keep for privacy."""

from alembic import op

from perennial_http import CREATE_HTTP_TABLES_V2

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = (
    "ALTER TABLE customers ADD COLUMN erased_at timestamptz",
    # Only ever added to: the highest version of a channel and purpose is what holds.
    """
    CREATE TABLE consents (
        customer_id text COLLATE "C" NOT NULL REFERENCES customers,
        channel     text COLLATE "C" NOT NULL,
        purpose     text COLLATE "C" NOT NULL,
        version     bigint      NOT NULL,
        status      text        NOT NULL,
        source      text        NOT NULL,
        proof       jsonb,
        at          timestamptz NOT NULL,
        PRIMARY KEY (customer_id, channel, purpose, version)
    )
    """,
    "CREATE INDEX consents_at ON consents (customer_id, at, channel, purpose, version)",
    """
    CREATE TABLE erasures (
        erasure_id   text COLLATE "C" PRIMARY KEY,
        customer_id  text COLLATE "C" NOT NULL,
        requested_by text        NOT NULL,
        requested_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX erasures_of_customer ON erasures (customer_id)",
    """
    CREATE TABLE erasure_steps (
        erasure_id text COLLATE "C" NOT NULL REFERENCES erasures,
        service    text COLLATE "C" NOT NULL,
        done_at    timestamptz,
        PRIMARY KEY (erasure_id, service)
    )
    """,
)


def upgrade() -> None:
    for statement in (*CREATE_HTTP_TABLES_V2, *TABLES):
        op.execute(statement)
