"""`python -m recommend_service`: run the service as its environment says."""

import sys

from perennial_http import serve
from recommend_service.app import create
from recommend_service.settings import Settings

settings = Settings()
sys.exit(serve(lambda: create(settings), settings))
