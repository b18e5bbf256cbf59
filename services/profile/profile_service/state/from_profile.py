"""What events of `profile` itself say of a customer."""

from collections.abc import Mapping
from typing import Any

from perennial_events import Envelope, Event, Received
from perennial_events.catalogue import (
    AnonymousIdAdded,
    AnonymousIdRemoved,
    ConsentChanged,
    CustomerRegistered,
    CustomersMerged,
    CustomerUpdated,
    MergeUndone,
    SegmentEntered,
    SegmentLeft,
    StageChanged,
    ValueChanged,
)
from perennial_events.catalogue.customers import MERGE
from profile_service.state.changes import Facts, Gatherer, of_customer, stitched


def _merged(facts: Facts, event: Any, envelope: Envelope) -> None:
    # In nobody's timeline: what is undone must leave no trace in either.
    facts.identities.append(Received(event, envelope))


def _regraded(_facts: Facts, event: StageChanged | ValueChanged, _envelope: Envelope) -> str | None:
    return None if event.reason == MERGE else event.customer_id


PROFILE: Mapping[type[Event], Gatherer] = {
    AnonymousIdAdded: stitched,
    AnonymousIdRemoved: stitched,
    ConsentChanged: of_customer,
    CustomerRegistered: of_customer,
    CustomerUpdated: of_customer,
    CustomersMerged: _merged,
    MergeUndone: _merged,
    SegmentEntered: of_customer,
    SegmentLeft: of_customer,
    StageChanged: _regraded,
    ValueChanged: _regraded,
}
