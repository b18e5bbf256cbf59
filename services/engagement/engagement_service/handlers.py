"""What `engagement` subscribes to: who was merged or erased, API keys, and what a partner may ask for."""

import asyncio

from engagement_service.holdings import HOLDINGS
from engagement_service.webhooks.fan_out import webhooks
from perennial_events import Clock, Subscriptions
from perennial_events.identities import IDENTITIES
from perennial_http import KEY_HANDLERS
from perennial_http.privacy import erasure_handlers


def subscriptions(clock: Clock, webhooks_queued: asyncio.Event) -> Subscriptions:
    return Subscriptions(
        handlers={**KEY_HANDLERS, **erasure_handlers("engagement", HOLDINGS)},
        projections=(IDENTITIES,),
        reactions=(webhooks(clock, webhooks_queued),),
    )
