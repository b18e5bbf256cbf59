"""Complaints and their cases, what was written about them, and the libraries' own tables."""

from alembic import op

from perennial_events.schema import CREATE_EVENT_TABLES_V1
from perennial_http import CREATE_HTTP_TABLES_V1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE cases (
        case_id           text COLLATE "C" PRIMARY KEY,
        customer_id       text COLLATE "C" NOT NULL,
        order_id          text COLLATE "C",
        status            text        NOT NULL,
        queue             text        NOT NULL,
        owner             text COLLATE "C" NOT NULL,
        category          text        NOT NULL,
        severity          text        NOT NULL,
        priority          bigint      NOT NULL CHECK (priority BETWEEN 1 AND 4),
        level             bigint      NOT NULL,
        channel           text        NOT NULL,
        opened_at         timestamptz NOT NULL,
        first_response_at timestamptz,
        escalated_at      timestamptz,
        resolved_at       timestamptz,
        reopened_at       timestamptz,
        version           bigint      NOT NULL
    ) WITH (fillfactor = 80)
    """,
    # An order of a customer has one open case. Orders that are not named (NULL) are all different.
    """
    CREATE UNIQUE INDEX cases_open_about_order ON cases (customer_id, order_id)
        WHERE status <> 'resolved'
    """,
    "CREATE INDEX cases_opened ON cases (opened_at, case_id)",
    "CREATE INDEX cases_of_customer ON cases (customer_id, opened_at, case_id)",
    "CREATE INDEX cases_of_queue ON cases (queue, opened_at, case_id)",
    "CREATE INDEX cases_of_owner ON cases (owner, opened_at, case_id)",
    """
    CREATE TABLE complaints (
        complaint_id       text COLLATE "C" PRIMARY KEY,
        case_id            text COLLATE "C" NOT NULL REFERENCES cases,
        customer_id        text COLLATE "C" NOT NULL,
        order_id           text COLLATE "C",
        sku                text COLLATE "C",
        category           text        NOT NULL,
        severity           text        NOT NULL,
        suggested_category boolean     NOT NULL,
        suggested_severity boolean     NOT NULL,
        because            jsonb       NOT NULL,
        text               text        NOT NULL,
        channel            text        NOT NULL,
        joined             boolean     NOT NULL,
        opened_at          timestamptz NOT NULL
    )
    """,
    "CREATE INDEX complaints_of_case ON complaints (case_id, opened_at, complaint_id)",
    """
    CREATE TABLE messages (
        message_id text COLLATE "C" PRIMARY KEY,
        case_id    text COLLATE "C" NOT NULL REFERENCES cases,
        kind       text        NOT NULL,
        text       text        NOT NULL,
        author     text COLLATE "C" NOT NULL,
        channel    text,
        at         timestamptz NOT NULL
    )
    """,
    "CREATE INDEX messages_of_case ON messages (case_id, at, message_id)",
)


def upgrade() -> None:
    for statement in (*CREATE_EVENT_TABLES_V1, *CREATE_HTTP_TABLES_V1, *TABLES):
        op.execute(statement)
