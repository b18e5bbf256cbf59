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


def create_http_tables_v1() -> tuple[str, ...]:
    """The statements of the first version of this library's tables, in order."""
    return CREATE_HTTP_TABLES_V1
