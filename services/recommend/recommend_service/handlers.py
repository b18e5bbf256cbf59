"""What `recommend` subscribes to: its facts follow the log, and API keys come and go by event."""

from perennial_events import Subscriptions
from perennial_http import KEY_HANDLERS
from recommend_service.facts.projection import JOURNAL, RECOMMENDATIONS

SUBSCRIPTIONS = Subscriptions(
    handlers=KEY_HANDLERS, projections=(RECOMMENDATIONS,), reactions=(JOURNAL,)
)
