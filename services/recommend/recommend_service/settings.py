"""What `recommend` is told by its surroundings, beyond what every service is."""

from typing import Annotated

from pydantic import Field

from perennial_http import ServiceSettings


class Settings(ServiceSettings):
    minimum_support: Annotated[int, Field(ge=1, le=1_000_000)] = 2
    """In so many baskets, or visits, two products must have met before one recommends the other."""
