"""What events of `engagement` say of a customer."""

from collections.abc import Mapping

from perennial_events import Envelope, Event
from perennial_events.catalogue import (
    Clicked,
    MessageClicked,
    MessageOpened,
    MessageSent,
    VisitorIdentified,
)
from profile_service.state.changes import ClickDay, Facts, Gatherer, stitched
from profile_service.state.identity import visitor


def _clicked(facts: Facts, event: Clicked, envelope: Envelope) -> str:
    identity = visitor(event.customer_id, event.anonymous_id)
    at = envelope.time
    day = facts.clicks.get((identity, at.date()))
    if day is None:
        day = facts.clicks[identity, at.date()] = ClickDay(0, at)
    day.clicks += 1
    day.last_at = max(day.last_at, at)
    if event.name == "product_added":
        day.last_added_at = max(day.last_added_at or at, at)
    return identity


def _sent(facts: Facts, event: MessageSent, envelope: Envelope) -> str:
    facts.message(event).sent_at = envelope.time
    return event.customer_id


def _opened(facts: Facts, event: MessageOpened, envelope: Envelope) -> str:
    message = facts.message(event)
    message.opened_at = min(message.opened_at or envelope.time, envelope.time)
    return event.customer_id


def _followed(facts: Facts, event: MessageClicked, envelope: Envelope) -> str:
    message = facts.message(event)
    message.clicked_at = min(message.clicked_at or envelope.time, envelope.time)
    return event.customer_id


ENGAGEMENT: Mapping[type[Event], Gatherer] = {
    Clicked: _clicked,
    MessageClicked: _followed,
    MessageOpened: _opened,
    MessageSent: _sent,
    VisitorIdentified: stitched,
}
