"""What `engagement` subscribes to: API keys come and go by event, and so do erased customers."""

from engagement_service.holdings import HOLDINGS
from perennial_events import Subscriptions
from perennial_http import KEY_HANDLERS
from perennial_http.privacy import erasure_handlers

SUBSCRIPTIONS = Subscriptions(handlers={**KEY_HANDLERS, **erasure_handlers("engagement", HOLDINGS)})
