"""`python -m support_service`: run the service as its environment says."""

import sys

from perennial_http import serve
from support_service.app import create
from support_service.settings import Settings

settings = Settings()
sys.exit(serve(lambda: create(settings), settings))
