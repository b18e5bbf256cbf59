"""How a case is told of, alone and beside its complaints."""

from perennial_events.catalogue.complaints import Category, Severity
from perennial_http import Answer, Id, Time
from support_service.cases import rules


class CaseAnswer(Answer):
    case_id: Id
    customer_id: Id
    order_id: Id | None
    status: rules.Status
    queue: rules.Queue
    owner: Id
    category: Category
    severity: Severity
    priority: int
    """1 is the most urgent, 4 what can wait longest."""
    level: int
    """How often it was escalated."""
    channel: str
    opened_at: Time
    first_response_at: Time | None
    escalated_at: Time | None
    resolved_at: Time | None
    reopened_at: Time | None
