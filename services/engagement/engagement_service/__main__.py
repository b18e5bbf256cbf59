"""`python -m engagement_service`: run the service as its environment says."""

import sys

from engagement_service.app import create
from engagement_service.settings import Settings
from perennial_http import serve

settings = Settings()
sys.exit(serve(lambda: create(settings), settings))
