"""What `engagement` subscribes to: who was merged into whom, who was erased, and API keys."""

from engagement_service.holdings import HOLDINGS
from perennial_events import Subscriptions
from perennial_events.identities import IDENTITIES
from perennial_http import KEY_HANDLERS
from perennial_http.privacy import erasure_handlers

SUBSCRIPTIONS = Subscriptions(
    handlers={**KEY_HANDLERS, **erasure_handlers("engagement", HOLDINGS)}, projections=(IDENTITIES,)
)
