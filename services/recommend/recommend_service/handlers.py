"""What `recommend` subscribes to: its counts follow the log, and API keys come and go by event."""

from perennial_events import Subscriptions
from perennial_http import KEY_HANDLERS
from recommend_service.counts.projection import RECOMMENDATIONS

SUBSCRIPTIONS = Subscriptions(handlers=KEY_HANDLERS, projections=(RECOMMENDATIONS,))
