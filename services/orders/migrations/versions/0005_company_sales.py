"""Sales to companies: opportunities and quotes."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE opportunities (
        opportunity_id text COLLATE "C" PRIMARY KEY,
        customer_id    text COLLATE "C" NOT NULL,
        owner          text COLLATE "C" NOT NULL,
        title          text        NOT NULL,
        stage          text        NOT NULL,
        currency       text        NOT NULL,
        value          bigint      NOT NULL,
        expected_on    date        NOT NULL,
        next_step      text,
        next_step_due  date,
        opened_at      timestamptz NOT NULL,
        closed_at      timestamptz,
        version        bigint      NOT NULL
    )
    """,
    "CREATE INDEX opportunities_opened ON opportunities (opened_at, opportunity_id)",
    "CREATE INDEX opportunities_of_customer ON opportunities (customer_id, opened_at)",
    "CREATE INDEX opportunities_expected ON opportunities (expected_on) WHERE closed_at IS NULL",
    "CREATE INDEX opportunities_closed ON opportunities (closed_at) WHERE closed_at IS NOT NULL",
    """
    CREATE TABLE quotes (
        quote_id       text COLLATE "C" PRIMARY KEY,
        customer_id    text COLLATE "C" NOT NULL,
        opportunity_id text COLLATE "C" REFERENCES opportunities,
        owner          text COLLATE "C" NOT NULL,
        status         text        NOT NULL,
        currency       text        NOT NULL,
        lines          jsonb       NOT NULL,
        items          bigint      NOT NULL,
        discount       bigint      NOT NULL,
        shipping       bigint      NOT NULL,
        valid_until    timestamptz NOT NULL,
        order_id       text COLLATE "C" UNIQUE REFERENCES orders,
        created_at     timestamptz NOT NULL,
        sent_at        timestamptz,
        decided_at     timestamptz,
        version        bigint      NOT NULL
    )
    """,
    "CREATE INDEX quotes_created ON quotes (created_at, quote_id)",
    "CREATE INDEX quotes_of_customer ON quotes (customer_id, created_at)",
    "CREATE INDEX quotes_open ON quotes (valid_until) WHERE status IN ('draft', 'sent')",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
