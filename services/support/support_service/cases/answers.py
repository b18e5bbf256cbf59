"""How a case is told of, alone and beside its complaints."""

from typing import Annotated

from pydantic import AliasChoices, Field

from perennial_events.catalogue.complaints import Category, Severity
from perennial_http import Answer, Id, Time
from support_service.cases import rules

Whose = Annotated[Id, Field(validation_alias=AliasChoices("survivor_id", "customer_id"))]
"""Who answers to the customer's id today, where they were merged since."""


class CaseAnswer(Answer):
    case_id: Id
    customer_id: Whose
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
