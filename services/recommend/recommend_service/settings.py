"""What `recommend` is told by its surroundings, beyond what every service is."""

from typing import Annotated

from pydantic import Field

from perennial_http import ServiceSettings

Share = Annotated[float, Field(ge=0, le=1)]


class Settings(ServiceSettings):
    minimum_support: Annotated[int, Field(ge=1, le=1_000_000)] = 2
    """In so many orders two products must have met before one recommends the other."""
    exploring_share: Share = 0.05
    """Of the answers, the share whose places are drawn: what the blend's weights are learnt from."""
    holdout_share: Share = 0.0
    """Of the visitors, the share who are never recommended anything: what it is all measured against."""
    views_kept_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    """Views are let go of after so long; orders are kept."""
