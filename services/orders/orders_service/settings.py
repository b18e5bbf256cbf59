"""What `orders` is told by its surroundings, beyond what every service is."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from perennial_http import ServiceSettings


class Settings(ServiceSettings):
    return_window_days: Annotated[int, Field(ge=0, le=365)] = 7
    """For so many days after delivery a return needs no reason and nobody's approval."""

    commission_percent: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(5)
    """What the owner of a quote gets of the net sales that come of it."""
