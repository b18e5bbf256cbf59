"""What a service is told by its surroundings: environment variables that begin with `PERENNIAL_`."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65_535)]
Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

SecretKeys = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}=(,[A-Za-z0-9_-]{43}=)*$")
]


class ServiceSettings(BaseSettings):
    """The settings that every service has; a service adds its own in a subclass."""

    model_config = SettingsConfigDict(
        env_prefix="PERENNIAL_", frozen=True, extra="ignore", allow_inf_nan=False
    )

    service: str
    """The service's name, such as `orders`: in its logs, its metrics and its events' source."""
    database_url: str
    """`postgresql+asyncpg://…`, this service's own database."""
    database_connections: Annotated[int, Field(ge=2, le=100)] = 8
    """How many connections to it a process may have: some for each core that PostgreSQL runs on."""
    log: str = "postgres"
    """The event log: `postgres` or `postgresql+asyncpg://…`, or `kafka://host:port`."""

    host: str = "127.0.0.1"
    port: Port = 8000
    role: Literal["all", "api", "worker"] = "all"
    """`api` answers requests, `worker` consumes and relays events (and answers health and metrics)."""

    admin_key_sha256: Sha256Hex | None = None
    """SHA-256 of the admin key, in hex. The key itself is never given to a service."""
    secret_key: SecretKeys | None = None
    """What partners' secrets are sealed with in the database: 32 bytes in URL-safe base64; when it
    changes, the new one first and the old ones after it, comma-separated."""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "EUR"
    """The shop's base currency."""

    profile_url: str | None = None
    orders_url: str | None = None
    engagement_url: str | None = None
    support_url: str | None = None
    recommend_url: str | None = None

    max_body_bytes: Annotated[int, Field(ge=1)] = 1_000_000
    """The largest body of a request, where its route does not state another limit."""
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"
