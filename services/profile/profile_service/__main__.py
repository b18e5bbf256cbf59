"""`python -m profile_service`: run the service as its environment says."""

import sys

from perennial_http import serve
from profile_service.app import create
from profile_service.settings import Settings

settings = Settings()
sys.exit(serve(lambda: create(settings), settings))
