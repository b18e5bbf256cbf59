"""Customers, their state and timeline, their stages, the API keys, and the libraries' own tables."""

from alembic import op

from perennial_events.schema import CREATE_EVENT_TABLES_V1
from perennial_http import CREATE_HTTP_TABLES_V1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

CUSTOMERS = (
    # What somebody told us. A customer that was only met in an event is `registered` later, or never.
    """
    CREATE TABLE customers (
        customer_id  text COLLATE "C" PRIMARY KEY,
        registered   boolean     NOT NULL,
        kind         text        NOT NULL DEFAULT 'person',
        company_id   text,
        email        text,
        phone        text,
        name         text,
        locale       text,
        timezone     text,
        country      text,
        postcode     text,
        birth_date   date,
        attributes   jsonb       NOT NULL DEFAULT '{}',
        acquisition  jsonb,
        created_at   timestamptz NOT NULL DEFAULT now(),
        version      bigint      NOT NULL DEFAULT 1
    ) WITH (fillfactor = 90)
    """,
    "CREATE INDEX customers_created ON customers (created_at, customer_id)",
    "CREATE INDEX customers_email ON customers (email) WHERE email IS NOT NULL",
    "CREATE INDEX customers_phone ON customers (phone) WHERE phone IS NOT NULL",
    "CREATE INDEX customers_name ON customers (lower(name) text_pattern_ops) WHERE name IS NOT NULL",
)

# The projection `customer_state`. Facts are kept by the identity that the event named: a customer's
# id as it is, an anonymous visitor's behind a `~`, which no id may contain. `aliases` says whose an
# anonymous identity is. So a past is stitched, or unstitched, by one row.
STATE = (
    """
    CREATE TABLE aliases (
        identity    text COLLATE "C" PRIMARY KEY,
        customer_id text COLLATE "C" NOT NULL,
        at          timestamptz NOT NULL
    )
    """,
    "CREATE INDEX aliases_of_customer ON aliases (customer_id)",
    """
    CREATE TABLE order_facts (
        order_id      text COLLATE "C" PRIMARY KEY,
        customer_id   text COLLATE "C" NOT NULL,
        placed_at     timestamptz,
        paid_at       timestamptz,
        cancelled_at  timestamptz,
        total         bigint,
        cost          bigint,
        refunded      bigint  NOT NULL DEFAULT 0,
        refunded_cost bigint  NOT NULL DEFAULT 0,
        returns       integer NOT NULL DEFAULT 0,
        late          boolean NOT NULL DEFAULT false,
        overdue_since timestamptz,
        delivered_at  timestamptz,
        prices        jsonb
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX order_facts_of_customer ON order_facts (customer_id, placed_at)",
    """
    CREATE TABLE click_days (
        identity      text COLLATE "C" NOT NULL,
        day           date    NOT NULL,
        clicks        integer NOT NULL,
        last_at       timestamptz NOT NULL,
        last_added_at timestamptz,
        PRIMARY KEY (identity, day)
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE TABLE case_facts (
        case_id     text COLLATE "C" PRIMARY KEY,
        customer_id text COLLATE "C" NOT NULL,
        open        boolean NOT NULL
    )
    """,
    "CREATE INDEX case_facts_of_customer ON case_facts (customer_id)",
    """
    CREATE TABLE complaint_facts (
        complaint_id text COLLATE "C" PRIMARY KEY,
        customer_id  text COLLATE "C" NOT NULL,
        opened_at    timestamptz NOT NULL
    )
    """,
    "CREATE INDEX complaint_facts_of_customer ON complaint_facts (customer_id)",
    """
    CREATE TABLE product_facts (
        sku      text COLLATE "C" PRIMARY KEY,
        category text
    )
    """,
    """
    CREATE TABLE timeline (
        identity text COLLATE "C" NOT NULL,
        at       timestamptz NOT NULL,
        event_id uuid NOT NULL,
        type     text NOT NULL,
        data     json NOT NULL,
        PRIMARY KEY (identity, at, event_id)
    )
    """,
)

STAGES = (
    """
    CREATE TABLE stages (
        customer_id text COLLATE "C" PRIMARY KEY,
        stage       text        NOT NULL,
        won_back    boolean     NOT NULL,
        since       timestamptz NOT NULL,
        due_at      timestamptz
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX stages_due ON stages (due_at) WHERE due_at IS NOT NULL",
)

KEYS = (
    """
    CREATE TABLE issued_keys (
        key_id     text PRIMARY KEY,
        name       text        NOT NULL,
        scopes     text[]      NOT NULL,
        created_at timestamptz NOT NULL,
        revoked_at timestamptz
    )
    """,
)


def upgrade() -> None:
    for statement in (
        *CREATE_EVENT_TABLES_V1,
        *CREATE_HTTP_TABLES_V1,
        *CUSTOMERS,
        *STATE,
        *STAGES,
        *KEYS,
    ):
        op.execute(statement)
