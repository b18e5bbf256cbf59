"""The tables of this library that stand in every service's database, for its first migration."""

CREATE_HTTP_TABLES_V1 = (
    # The answers to requests that carried an Idempotency-Key, kept for a day.
    """
    CREATE TABLE idempotency (
        scope       text        NOT NULL,
        key         text        NOT NULL,
        fingerprint bytea       NOT NULL,
        status      integer     NOT NULL,
        headers     jsonb       NOT NULL,
        body        bytea       NOT NULL,
        created_at  timestamptz NOT NULL,
        PRIMARY KEY (scope, key)
    )
    """,
    "CREATE INDEX idempotency_created_at ON idempotency (created_at)",
    # A key is random and long: its SHA-256 says nothing about it.
    """
    CREATE TABLE api_keys (
        key_id     text        PRIMARY KEY,
        hash       bytea       NOT NULL UNIQUE,
        scopes     text[]      NOT NULL,
        created_at timestamptz NOT NULL,
        revoked_at timestamptz
    )
    """,
)


ERASED_STATE = "22ERA"
"""The SQLSTATE by which a guarded table refuses a row about an erased customer; its message is the id.

Class 22, a fault of the data: an import refuses that line alone.
"""

CREATE_HTTP_TABLES_V2 = (
    # Whom an answer is about: it must go when they do.
    "ALTER TABLE idempotency ADD COLUMN customers text[] NOT NULL DEFAULT '{}'",
    # Without GIN's pending list: whoever comes at the wrong moment would have to work it off.
    """
    CREATE INDEX idempotency_customers ON idempotency USING gin (customers)
        WITH (fastupdate = off)
    """,
    # Who read or changed which personal data: ids and names of fields, never a value.
    """
    CREATE TABLE audit (
        id           uuid        PRIMARY KEY,
        at           timestamptz NOT NULL,
        actor        text COLLATE "C" NOT NULL,
        action       text        NOT NULL,
        operation    text        NOT NULL,
        customer_ids text[]      NOT NULL,
        fields       text[]      NOT NULL,
        request_id   text        NOT NULL
    )
    """,
    "CREATE INDEX audit_of_actor ON audit (actor, id)",
    "CREATE INDEX audit_of_customer ON audit USING gin (customer_ids) WITH (fastupdate = off)",
    """
    CREATE TABLE erased_customers (
        customer_id text COLLATE "C" PRIMARY KEY,
        erasure_id  text        NOT NULL,
        erased_at   timestamptz NOT NULL
    )
    """,
    "CREATE INDEX erased_customers_at ON erased_customers (erased_at)",
    f"""
    CREATE FUNCTION refuse_erased_customer() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM erased_customers e WHERE e.customer_id = NEW.customer_id) THEN
            RAISE EXCEPTION USING ERRCODE = '{ERASED_STATE}', MESSAGE = NEW.customer_id;
        END IF;
        RETURN NEW;
    END $$
    """,
    f"""
    CREATE FUNCTION refuse_about_erased_customer() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE erased text;
    BEGIN
        EXECUTE format(
            'SELECT customer_id FROM %I JOIN erased_customers USING (customer_id) WHERE %I = $1',
            TG_ARGV[0], TG_ARGV[1]
        ) INTO erased USING to_jsonb(NEW) ->> TG_ARGV[1];
        IF erased IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = '{ERASED_STATE}', MESSAGE = erased;
        END IF;
        RETURN NEW;
    END $$
    """,  # noqa: S608 - put together from the constant above
)


def guard(table: str, *, through: tuple[str, str] | None = None) -> str:
    """The statement by which `table` takes no new row about an erased customer, from whomever.

    The row names them in `customer_id`, or by the key of a row that does: `("cases", "case_id")`.
    """
    function = (
        "refuse_erased_customer()"
        if through is None
        else f"refuse_about_erased_customer('{through[0]}', '{through[1]}')"
    )
    return f"CREATE TRIGGER guard BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {function}"


def create_http_tables_v1() -> tuple[str, ...]:
    """The statements of the first version of this library's tables, in order."""
    return CREATE_HTTP_TABLES_V1
