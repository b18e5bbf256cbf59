"""What `support` subscribes to: API keys come and go by event, and so do erased customers."""

from perennial_events import Subscriptions
from perennial_http import KEY_HANDLERS
from perennial_http.privacy import erasure_handlers
from support_service.holdings import HOLDINGS

SUBSCRIPTIONS = Subscriptions(handlers={**KEY_HANDLERS, **erasure_handlers("support", HOLDINGS)})
