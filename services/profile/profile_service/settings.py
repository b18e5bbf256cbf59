"""What `profile` is told by its surroundings, beyond what every service is."""

from typing import Annotated

from pydantic import Field

from perennial_http import ServiceSettings

Days = Annotated[int, Field(ge=1, le=3650)]


class Settings(ServiceSettings):
    new_days: Days = 30
    """For so many days after their first order a customer is `new`."""
    active_days: Days = 90
    """For so many days after an order a customer is `active`."""
    lapsed_days: Days = 180
    """So many days after their last order a customer has `lapsed`; in between, they are `at_risk`."""
