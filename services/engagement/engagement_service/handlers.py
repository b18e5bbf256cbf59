"""What `engagement` subscribes to: API keys come and go by event."""

from perennial_events import Subscriptions
from perennial_http import KEY_HANDLERS

SUBSCRIPTIONS = Subscriptions(handlers=KEY_HANDLERS)
