"""Rules of the shop, decisions with their outcomes, and the blend's weights that follow from them."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE merchandising_rules (
        rule_id   text COLLATE "C" PRIMARY KEY,
        action    text NOT NULL,
        field     text NOT NULL,
        value     text COLLATE "C" NOT NULL,
        segment   text COLLATE "C",
        placement text,
        factor    double precision,
        starts_at timestamptz,
        ends_at   timestamptz,
        made_at   timestamptz NOT NULL,
        version   integer NOT NULL DEFAULT 1
    )
    """,
    "CREATE INDEX merchandising_rules_made ON merchandising_rules (made_at, rule_id)",
    # Whom no rule of ours may name any more: `identity` goes when a customer is erased.
    """
    CREATE TABLE decisions (
        decision_id  uuid PRIMARY KEY,
        at           timestamptz NOT NULL,
        placement    text NOT NULL,
        identity     text COLLATE "C",
        skus         text[] COLLATE "C" NOT NULL,
        strategies   text[] NOT NULL,
        exploring    boolean NOT NULL,
        propensities double precision[] NOT NULL,
        holdout      boolean NOT NULL
    )
    """,
    "CREATE INDEX decisions_at ON decisions (at)",
    "CREATE INDEX decisions_identity ON decisions (identity)",
    """
    CREATE TABLE outcomes (
        decision_id uuid NOT NULL,
        sku         text COLLATE "C" NOT NULL,
        kind        text NOT NULL,
        at          timestamptz NOT NULL,
        PRIMARY KEY (decision_id, sku, kind)
    )
    """,
    "CREATE TABLE blends (placement text PRIMARY KEY, weights jsonb NOT NULL,"
    " source text NOT NULL, decisions bigint NOT NULL, changed_at timestamptz NOT NULL)",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
