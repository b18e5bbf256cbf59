"""What events of `support` say of a customer."""

from collections.abc import Mapping

from perennial_events import Envelope, Event
from perennial_events.catalogue import (
    ComplaintAnswered,
    ComplaintEscalated,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    RecoveryGranted,
    ReviewSubmitted,
    SurveyAnswered,
)
from profile_service.state.changes import Facts, Gatherer, Satisfaction, of_customer


def _complained(facts: Facts, event: ComplaintOpened, envelope: Envelope) -> str:
    if not event.joined:
        # A case is whose it was opened for; who joins it may be another identity of theirs.
        case = facts.case(event, is_open=True)
        case.opened_at = min(case.opened_at or envelope.time, envelope.time)
    facts.complaints[event.complaint_id] = (event.customer_id, envelope.time)
    return event.customer_id


def _resolved(facts: Facts, event: ComplaintResolved, _envelope: Envelope) -> str:
    facts.case(event, is_open=False)
    return event.customer_id


def _reopened(facts: Facts, event: ComplaintReopened, _envelope: Envelope) -> str:
    facts.case(event, is_open=True)
    return event.customer_id


def _reviewed(facts: Facts, event: ReviewSubmitted, envelope: Envelope) -> str:
    return _satisfied(facts, event.customer_id, event.rating, envelope)


def _surveyed(facts: Facts, event: SurveyAnswered, envelope: Envelope) -> str:
    if event.survey != "csat":
        return event.customer_id
    return _satisfied(facts, event.customer_id, event.score, envelope)


def _satisfied(facts: Facts, customer_id: str, level: int, envelope: Envelope) -> str:
    said = Satisfaction(envelope.time, envelope.id, level)
    facts.satisfaction[customer_id] = max(said, facts.satisfaction.get(customer_id, said))
    return customer_id


def _recovered(facts: Facts, event: RecoveryGranted, _envelope: Envelope) -> str:
    facts.recoveries[event.recovery_id] = event.customer_id
    return event.customer_id


SUPPORT: Mapping[type[Event], Gatherer] = {
    ComplaintAnswered: of_customer,
    ComplaintEscalated: of_customer,
    ComplaintOpened: _complained,
    ComplaintReopened: _reopened,
    ComplaintResolved: _resolved,
    RecoveryGranted: _recovered,
    ReviewSubmitted: _reviewed,
    SurveyAnswered: _surveyed,
}
