"""`python -m recommend_service`: run the service as its environment says."""

import sys

from perennial_http import run
from recommend_service.app import create
from recommend_service.settings import Settings

if __name__ == "__main__":
    settings = Settings()
    sys.exit(run(lambda: create(settings), settings, sys.argv[1:]))
