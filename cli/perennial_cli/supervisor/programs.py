"""What the supervisor runs, as Python's arguments; tests put small programs of their own in these places."""


class Programs:
    """The platform's own programs."""

    def shared(self, log: str) -> list[str]:
        """The modules that all of them use, with those that their libraries load late."""
        return [
            "perennial_http",
            "perennial_webhooks",
            "sqlalchemy.dialects.postgresql.asyncpg",
            "uvicorn.lifespan.on",
            "uvicorn.protocols.http.httptools_impl",
            *(["perennial_events.log.kafka"] if log == "kafka" else []),
        ]

    def service(self, name: str) -> list[str]:
        return ["-m", f"{name}_service"]

    def fetch_kafka(self) -> list[str]:
        return ["-m", "perennial_embedded"]

    def migrate(self) -> list[str]:
        return ["-m", "perennial_cli", "migrate"]
