"""What `engagement` subscribes to: API keys, and every event that a partner may ask for."""

import asyncio

from engagement_service.webhooks.fan_out import webhooks
from perennial_events import Clock, Subscriptions
from perennial_http import KEY_HANDLERS


def subscriptions(clock: Clock, webhooks_queued: asyncio.Event) -> Subscriptions:
    return Subscriptions(handlers=KEY_HANDLERS, reactions=(webhooks(clock, webhooks_queued),))
