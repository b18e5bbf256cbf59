"""Merges and their undoing, identities that somebody told us, and contacts of companies."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# `into_id` is the next step, `customer_id` the end of all steps (perennial_events/identities.py).
ALIASES = (
    'ALTER TABLE aliases ADD COLUMN into_id text COLLATE "C", ALTER COLUMN customer_id DROP NOT NULL',
    "UPDATE aliases SET into_id = customer_id",
    "CREATE INDEX aliases_into ON aliases (into_id)",
)

MERGES = (
    """
    CREATE TABLE merges (
        merge_id    text COLLATE "C" PRIMARY KEY,
        customer_id text COLLATE "C" NOT NULL,
        into_id     text COLLATE "C" NOT NULL,
        merged_at   timestamptz NOT NULL,
        undone_at   timestamptz,
        CHECK (customer_id <> into_id)
    )
    """,
    # A customer is merged away once at a time.
    "CREATE UNIQUE INDEX merges_standing ON merges (customer_id) WHERE undone_at IS NULL",
    "CREATE INDEX merges_standing_into ON merges (into_id) WHERE undone_at IS NULL",
    "CREATE INDEX merges_of_customer ON merges (customer_id, merged_at, merge_id)",
    "CREATE INDEX merges_into_customer ON merges (into_id, merged_at, merge_id)",
)

IDENTITIES = (
    """
    CREATE TABLE identities (
        identity_id text COLLATE "C" PRIMARY KEY,
        kind        text COLLATE "C" NOT NULL,
        value       text COLLATE "C" NOT NULL,
        customer_id text COLLATE "C" NOT NULL,
        added_at    timestamptz NOT NULL,
        UNIQUE (kind, value)
    )
    """,
    "CREATE INDEX identities_of_customer ON identities (customer_id)",
)

CONTACTS = (
    """
    CREATE INDEX customers_of_company ON customers (company_id, created_at, customer_id)
        WHERE company_id IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in (*ALIASES, *MERGES, *IDENTITIES, *CONTACTS):
        op.execute(statement)
