"""What `recommend` subscribes to: its facts follow the log; keys and erased customers are followed too."""

from perennial_events import Subscriptions
from perennial_http import KEY_HANDLERS
from perennial_http.privacy import erasure_handlers
from recommend_service.facts.projection import JOURNAL, RECOMMENDATIONS
from recommend_service.holdings import HOLDINGS

SUBSCRIPTIONS = Subscriptions(
    handlers={**KEY_HANDLERS, **erasure_handlers("recommend", HOLDINGS)},
    projections=(RECOMMENDATIONS,),
    reactions=(JOURNAL,),
)
