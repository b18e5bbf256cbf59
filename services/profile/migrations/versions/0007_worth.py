"""What a customer is worth and what serving them cost: its facts, its measures and its thresholds."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# More of the projection `customer_state`.
FACTS = (
    "ALTER TABLE case_facts ADD COLUMN opened_at timestamptz",
    """
    CREATE TABLE return_facts (
        return_id   text COLLATE "C" PRIMARY KEY,
        order_id    text COLLATE "C" NOT NULL,
        customer_id text COLLATE "C" NOT NULL,
        received_at timestamptz,
        lines       jsonb
    )
    """,
    "CREATE INDEX return_facts_of_customer ON return_facts (customer_id)",
    """
    CREATE TABLE message_facts (
        message_id  text COLLATE "C" PRIMARY KEY,
        customer_id text COLLATE "C" NOT NULL,
        channel     text NOT NULL,
        sent_at     timestamptz,
        opened_at   timestamptz,
        clicked_at  timestamptz
    ) WITH (fillfactor = 90)
    """,
    "CREATE INDEX message_facts_of_customer ON message_facts (customer_id)",
    """
    CREATE TABLE satisfaction_facts (
        customer_id text COLLATE "C" PRIMARY KEY,
        at          timestamptz NOT NULL,
        event_id    uuid        NOT NULL,
        level       integer     NOT NULL
    )
    """,
    """
    CREATE TABLE recovery_facts (
        recovery_id text COLLATE "C" PRIMARY KEY,
        customer_id text COLLATE "C" NOT NULL
    )
    """,
    "CREATE INDEX recovery_facts_of_customer ON recovery_facts (customer_id)",
)

# Measures of 365 days are in minor units of the base currency; NULL grades: nothing bought so far.
WORTH = (
    """
    CREATE TABLE worth (
        customer_id     text COLLATE "C" PRIMARY KEY,
        last_order_at   timestamptz,
        frequency       bigint NOT NULL DEFAULT 0,
        monetary        bigint NOT NULL DEFAULT 0,
        orders_365d     bigint NOT NULL DEFAULT 0,
        margin_365d     bigint NOT NULL DEFAULT 0,
        expected_margin bigint NOT NULL DEFAULT 0,
        cost_to_serve   bigint NOT NULL DEFAULT 0,
        score           text,
        value_segment   text,
        value_tier      text,
        predicted_at    timestamptz,
        due_at          timestamptz,
        changed_at      timestamptz
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX worth_due ON worth (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX worth_changed ON worth (changed_at)",
    """
    CREATE TABLE value_thresholds (
        only_row           boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        customers          bigint NOT NULL DEFAULT 0,
        key_from           bigint,
        major_from         bigint,
        ordinary_from      bigint,
        most_valuable_from bigint,
        frequent_orders    bigint,
        recency            timestamptz[],
        frequency          bigint[],
        monetary           bigint[],
        computed_at        timestamptz,
        regrade_from       timestamptz
    )
    """,
    "INSERT INTO value_thresholds DEFAULT VALUES",
    # Who has bought before is due at once. (Facts of history that came before this migration, such as
    # messages, are there after `perennial rebuild profile customer_state`.)
    "INSERT INTO worth (customer_id, due_at) SELECT DISTINCT customer_id, now() FROM order_facts",
)


def upgrade() -> None:
    for statement in (*FACTS, *WORTH):
        op.execute(statement)
