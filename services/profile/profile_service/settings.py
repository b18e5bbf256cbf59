"""What `profile` is told by its surroundings, beyond what every service is."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from perennial_events.catalogue.engagement import Channel
from perennial_http import Amount, ServiceSettings
from profile_service.stages.rules import Thresholds
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
Probability = Annotated[float, Field(gt=0, lt=1)]


class Settings(ServiceSettings):
    new_days: Days = 30
    """For so many days after their first order a customer is `new`."""
    active_days: Days = 90
    """For so many days after an order a customer is `active`."""
    lapsed_days: Days = 180
    """So many days after their last order a customer has `lapsed`; in between, they are `at_risk`."""

    at_risk_p_alive: Probability = 0.5
    """Once a value model is fitted, a customer who came back is `at_risk` below this P(alive)."""
    lapsed_p_alive: Probability = 0.2
    """And has `lapsed` below this one."""
    value_refit_days: Annotated[int, Field(ge=0, le=3650)] = 7
    """So many days lie between two scheduled fits of the value model; 0: only on request."""
    value_discount_rate: Annotated[float, Field(ge=0, le=10)] = 0.1
    """The rate a year by which later spending counts less in `clv_365d`."""

    cost_of_case: Amount = 500
    """What a case costs, in minor units of the base currency."""
    cost_of_return: Amount = 400
    """What goods that come back cost beside the refund: postage, unpacking, checking."""
    cost_of_1000_messages: dict[Channel, Amount] = COST_OF_1000_MESSAGES
    """What a thousand messages of a channel cost; one that is not named costs nothing."""

    @property
    def stage_days(self) -> Thresholds:
        return Thresholds(
            self.new_days,
            self.active_days,
            self.lapsed_days,
            self.at_risk_p_alive,
            self.lapsed_p_alive,
        )

    @property
    def costs(self) -> Costs:
        return Costs(self.cost_of_case, self.cost_of_return, self.cost_of_1000_messages)

    @model_validator(mode="after")
    def _at_risk_before_lapsed(self) -> Self:
        if self.lapsed_p_alive >= self.at_risk_p_alive:
            raise ValueError("PERENNIAL_LAPSED_P_ALIVE must be below PERENNIAL_AT_RISK_P_ALIVE")
        return self
