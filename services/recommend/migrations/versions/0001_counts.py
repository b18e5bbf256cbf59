"""What is bought, viewed and wanted together, in integer counts, and the libraries' own tables."""

from alembic import op

from perennial_events.schema import CREATE_EVENT_TABLES_V1
from perennial_http import CREATE_HTTP_TABLES_V1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The projection `recommendations`. Facts are kept by the identity that the event named: a customer's
# id as it is, an anonymous visitor's behind a `~`, which no id may contain.
FACTS = (
    # Only what the shop described: a sku that was merely met in an order is not here.
    """
    CREATE TABLE products (
        sku       text COLLATE "C" PRIMARY KEY,
        available boolean NOT NULL
    ) WITH (fillfactor = 90)
    """,
    """
    CREATE TABLE aliases (
        identity    text COLLATE "C" PRIMARY KEY,
        customer_id text COLLATE "C" NOT NULL,
        at          timestamptz NOT NULL
    )
    """,
    "CREATE INDEX aliases_of_customer ON aliases (customer_id)",
    # A row whose skus are NULL is of an order that was called off before it was heard of.
    """
    CREATE TABLE baskets (
        order_id    text COLLATE "C" PRIMARY KEY,
        customer_id text COLLATE "C" NOT NULL,
        skus        text[] COLLATE "C",
        placed_at   timestamptz,
        cancelled   boolean NOT NULL
    ) WITH (fillfactor = 90)
    """,
    "CREATE INDEX baskets_of_customer ON baskets (customer_id, placed_at)",
    """
    CREATE TABLE returned (
        customer_id text COLLATE "C" NOT NULL,
        sku         text COLLATE "C" NOT NULL,
        PRIMARY KEY (customer_id, sku)
    )
    """,
    # {sku: milliseconds since 1970}, the last few products of each identity.
    """
    CREATE TABLE recent_views (
        identity text COLLATE "C" PRIMARY KEY,
        views    jsonb NOT NULL
    ) WITH (fillfactor = 70)
    """,
)

# A pair stands once, its lesser sku first: half the rows of one for each direction.
COUNTS = (
    """
    CREATE TABLE basket_counts (
        sku     text COLLATE "C" PRIMARY KEY,
        baskets integer NOT NULL
    ) WITH (fillfactor = 70)
    """,
    """
    CREATE TABLE basket_pairs (
        sku     text COLLATE "C" NOT NULL,
        other   text COLLATE "C" NOT NULL,
        baskets integer NOT NULL,
        PRIMARY KEY (sku, other)
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX basket_pairs_of_other ON basket_pairs (other)",
    """
    CREATE TABLE view_counts (
        sku    text COLLATE "C" PRIMARY KEY,
        visits integer NOT NULL
    ) WITH (fillfactor = 70)
    """,
    """
    CREATE TABLE view_pairs (
        sku    text COLLATE "C" NOT NULL,
        other  text COLLATE "C" NOT NULL,
        visits integer NOT NULL,
        PRIMARY KEY (sku, other)
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX view_pairs_of_other ON view_pairs (other)",
    """
    CREATE TABLE trends (
        hour   timestamptz NOT NULL,
        sku    text COLLATE "C" NOT NULL,
        views  integer NOT NULL,
        adds   integer NOT NULL,
        orders integer NOT NULL,
        PRIMARY KEY (hour, sku)
    ) WITH (fillfactor = 70)
    """,
)


def upgrade() -> None:
    for statement in (*CREATE_EVENT_TABLES_V1, *CREATE_HTTP_TABLES_V1, *FACTS, *COUNTS):
        op.execute(statement)
