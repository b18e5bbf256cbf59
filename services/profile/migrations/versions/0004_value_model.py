"""The value model: its fits and their jobs, the one in force, and what it predicts of each customer."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

VALUE_MODEL = (
    # A fit that stands: its parameters, what it was fitted on, and how it did on what came after.
    """
    CREATE TABLE value_models (
        model           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        fitted_at       timestamptz      NOT NULL,
        r               double precision NOT NULL,
        alpha           double precision NOT NULL,
        a               double precision NOT NULL,
        b               double precision NOT NULL,
        log_likelihood  double precision NOT NULL,
        identified      boolean          NOT NULL,
        p               double precision,
        q               double precision,
        gamma           double precision,
        spend_log_likelihood double precision,
        spend_customers bigint,
        mean_value      double precision NOT NULL,
        minor_units     bigint           NOT NULL,
        discount_rate   double precision NOT NULL,
        customers       bigint           NOT NULL,
        calibration_end date             NOT NULL,
        as_of           date             NOT NULL,
        pinned          boolean          NOT NULL,
        calibration     jsonb            NOT NULL,
        holdout         jsonb,
        tracking        jsonb            NOT NULL,
        reason          text,
        seconds         double precision NOT NULL
    )
    """,
    # One row: who scores holds it in share, who installs a model holds it alone.
    """
    CREATE TABLE value_model_in_force (
        one_row   boolean PRIMARY KEY DEFAULT true CHECK (one_row),
        model     bigint REFERENCES value_models,
        scored_on date,
        next_fit_at timestamptz
    )
    """,
    "INSERT INTO value_model_in_force DEFAULT VALUES",
    """
    CREATE TABLE value_model_jobs (
        job_id          text COLLATE "C" PRIMARY KEY,
        kind            text        NOT NULL,
        status          text        NOT NULL DEFAULT 'queued',
        reason          text,
        calibration_end date,
        as_of           date,
        requested_at    timestamptz NOT NULL,
        started_at      timestamptz,
        ended_at        timestamptz,
        attempts        bigint      NOT NULL DEFAULT 0,
        model           bigint REFERENCES value_models
    )
    """,
    "CREATE INDEX value_model_jobs_requested ON value_model_jobs (requested_at, job_id)",
    """
    CREATE INDEX value_model_jobs_open ON value_model_jobs (requested_at)
        WHERE status IN ('queued', 'running')
    """,
    # A prediction, and beside it the history that it was made of: days of paid orders in UTC, and the
    # money of the repeat ones, in minor units of the base currency.
    """
    CREATE TABLE predictions (
        customer_id         text COLLATE "C" PRIMARY KEY,
        p_alive             double precision NOT NULL,
        expected_orders_90d double precision NOT NULL,
        clv_365d            bigint           NOT NULL,
        next_order_by       timestamptz,
        model               bigint           NOT NULL REFERENCES value_models,
        computed_at         timestamptz      NOT NULL,
        first_day           date             NOT NULL,
        last_day            date             NOT NULL,
        repeats             integer          NOT NULL,
        value_days          integer          NOT NULL,
        value_sum           bigint           NOT NULL
    ) WITH (fillfactor = 80)
    """,
)


def upgrade() -> None:
    for statement in VALUE_MODEL:
        op.execute(statement)
