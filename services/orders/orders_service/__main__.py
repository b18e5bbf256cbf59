"""`python -m orders_service`: run the service as its environment says."""

import sys

from orders_service.app import create
from orders_service.settings import Settings
from perennial_http import serve

settings = Settings()
sys.exit(serve(lambda: create(settings), settings))
