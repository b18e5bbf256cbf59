"""What `support` is told by its surroundings, beyond what every service is."""

from pydantic import Field

from perennial_http import Id, ServiceSettings
from support_service.cases.rules import Queue


class Settings(ServiceSettings):
    default_owner: Id = "service-desk"
    """Who owns a new case, where its queue has no owner of its own."""
    queue_owners: dict[Queue, Id] = Field(default_factory=dict)
    """Who owns a new case of a queue: `{"billing": "finance"}`."""

    def owner_of(self, queue: Queue) -> str:
        """Who answers for a new case of this queue. There is always somebody."""
        return self.queue_owners.get(queue, self.default_owner)
