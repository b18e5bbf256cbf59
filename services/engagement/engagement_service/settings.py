"""What `engagement` is told by its surroundings, beyond what every service is."""

from typing import Annotated

from pydantic import StringConstraints

from engagement_service.webhooks.rules import RETRY_SECONDS
from perennial_http import ServiceSettings


class Settings(ServiceSettings):
    webhooks_allow_loopback: bool = False
    """Whether webhooks may go to this machine itself, by http too: for development alone."""
    webhooks_retry: Annotated[
        str | None, StringConstraints(pattern=r"^\d{1,7}(\.\d{1,3})?(,\d{1,7}(\.\d{1,3})?)*$")
    ] = None
    """Seconds from each attempt to the next, such as `1,2,4`, in place of Standard Webhooks' own."""

    @property
    def webhook_schedule(self) -> tuple[float, ...]:
        if self.webhooks_retry is None:
            return RETRY_SECONDS
        return tuple(map(float, self.webhooks_retry.split(",")))

    @property
    def addresses(self) -> dict[str, str | None]:
        """Where the other services are, by name."""
        return {
            "profile": self.profile_url,
            "orders": self.orders_url,
            "support": self.support_url,
        }
