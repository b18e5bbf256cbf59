"""What `engagement` subscribes to: who was merged into whom, and API keys, which come and go by event."""

from perennial_events import Subscriptions
from perennial_events.identities import IDENTITIES
from perennial_http import KEY_HANDLERS

SUBSCRIPTIONS = Subscriptions(handlers=KEY_HANDLERS, projections=(IDENTITIES,))
