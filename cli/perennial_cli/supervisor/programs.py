"""What the supervisor runs; tests put small programs of their own in these places."""

import sys


class Programs:
    """The platform's own programs."""

    def service(self, name: str) -> list[str]:
        return [sys.executable, "-m", f"{name}_service"]

    def fetch_kafka(self) -> list[str]:
        return [sys.executable, "-m", "perennial_embedded"]

    def migrate(self) -> list[str]:
        # A process of its own: Alembic and SQLAlchemy must not stay in the supervisor's memory.
        return [sys.executable, "-m", "perennial_cli", "migrate"]
