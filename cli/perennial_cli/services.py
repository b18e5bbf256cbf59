"""The five services, in the order of their ports, and where this machine keeps their data."""

import os
from pathlib import Path

# PRODUCT.md's order: port base + 1 is profile's, + 5 recommend's.
SERVICES = ("profile", "orders", "engagement", "support", "recommend")
LOG_DATABASE = "log"
DATABASES = (*SERVICES, LOG_DATABASE)


def default_home() -> Path:
    """`PERENNIAL_HOME`, or `.perennial` in the current folder."""
    return Path(os.environ.get("PERENNIAL_HOME") or ".perennial")


def default_port_base() -> int:
    """`PERENNIAL_PORT_BASE`, or 8000; raises `ValueError` when it is not a number that leaves room for five."""
    text = os.environ.get("PERENNIAL_PORT_BASE") or "8000"
    if not text.isdecimal() or not 0 < int(text) <= 65_535 - len(SERVICES):
        raise ValueError(
            f"PERENNIAL_PORT_BASE={text} is not a port number with five free ones after it."
        )
    return int(text)
