"""`python -m engagement_service`: run the service as its environment says."""

import sys

from engagement_service.app import create
from engagement_service.settings import Settings
from perennial_http import run

if __name__ == "__main__":
    settings = Settings()
    sys.exit(run(lambda: create(settings), settings, sys.argv[1:]))
