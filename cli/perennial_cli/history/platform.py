"""Where the five services are, and the key that opens them."""

from dataclasses import dataclass
from pathlib import Path

from perennial_cli.history.errors import ReplayError
from perennial_cli.services import SERVICES


@dataclass(frozen=True, slots=True)
class Platform:
    """Base addresses of the services (without a trailing slash) and an API key."""

    profile: str
    orders: str
    engagement: str
    support: str
    recommend: str
    key: str

    @classmethod
    def from_home(cls, home: Path, port_base: int) -> "Platform":
        """The platform of this machine whose data is in `home`. Raises `ReplayError` without a key."""
        file = home / "admin.key"
        try:
            key = file.read_text().strip()
        except OSError as error:
            raise ReplayError(
                f"{file} cannot be read ({error.strerror}). Has the platform been started there?"
            ) from error
        addresses = {
            service: f"http://127.0.0.1:{port_base + number}"
            for number, service in enumerate(SERVICES, start=1)
        }
        return cls(**addresses, key=key)
