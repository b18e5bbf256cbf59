"""What `profile` is told by its surroundings, beyond what every service is."""

from typing import Annotated

from pydantic import Field

from perennial_events.catalogue.engagement import Channel
from perennial_http import Amount, ServiceSettings
from profile_service.worth.rules import Costs

COST_OF_1000_MESSAGES: dict[Channel, Amount] = {
    "web": 0,
    "push": 10,
    "email": 50,
    "sms": 7_000,
    "post": 90_000,
    "phone": 300_000,
}

Days = Annotated[int, Field(ge=1, le=3650)]


class Settings(ServiceSettings):
    new_days: Days = 30
    """For so many days after their first order a customer is `new`."""
    active_days: Days = 90
    """For so many days after an order a customer is `active`."""
    lapsed_days: Days = 180
    """So many days after their last order a customer has `lapsed`; in between, they are `at_risk`."""

    cost_of_case: Amount = 500
    """What a case costs, in minor units of the base currency."""
    cost_of_return: Amount = 400
    """What goods that come back cost beside the refund: postage, unpacking, checking."""
    cost_of_1000_messages: dict[Channel, Amount] = COST_OF_1000_MESSAGES
    """What a thousand messages of a channel cost; one that is not named costs nothing."""

    @property
    def costs(self) -> Costs:
        return Costs(self.cost_of_case, self.cost_of_return, self.cost_of_1000_messages)
