"""What `engagement` is told by its surroundings: so far nothing beyond what every service is."""

from perennial_http import ServiceSettings


class Settings(ServiceSettings):
    """The settings of every service."""
