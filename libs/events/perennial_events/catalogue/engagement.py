"""What `engagement` publishes: `perennial.clicks` and `perennial.engagement`."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from perennial_events.envelope import Event
from perennial_events.values import Code, Id

CLICKS = "perennial.clicks"
ENGAGEMENT = "perennial.engagement"

Channel = Literal["email", "sms", "push", "post", "phone", "web"]
Purpose = Literal["marketing", "service", "analytics"]

ClickName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$")]
PropertyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
PropertyText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/+#-]{1,64}$")]
"""A code, a path, a number written out. Tracking drops every other text before it gets here."""


class Clicked(Event, topic=CLICKS, fact="clicked", subject="visitor", key="visitor"):
    """Somebody did something on a site or in an app."""

    name: ClickName
    anonymous_id: Id | None = None
    customer_id: Id | None = None
    session_id: Id | None = None
    sku: Id | None = None
    properties: dict[PropertyName, bool | int | float | PropertyText] = Field(default_factory=dict)

    @property
    def visitor(self) -> str:
        """The customer where known, otherwise the anonymous visitor."""
        return self.customer_id or self.anonymous_id or ""


class VisitorIdentified(Event, topic=ENGAGEMENT, fact="visitor_identified", subject="customer_id"):
    """The anonymous visitor turned out to be this customer: their past clicks are the customer's."""

    customer_id: Id
    anonymous_id: Id


class WebhookEndpointCreated(
    Event,
    topic=ENGAGEMENT,
    fact="webhook_endpoint_created",
    subject="endpoint_id",
    key="endpoint_id",
):
    """A partner will be sent events."""

    endpoint_id: Id


class WebhookEndpointDisabled(
    Event,
    topic=ENGAGEMENT,
    fact="webhook_endpoint_disabled",
    subject="endpoint_id",
    key="endpoint_id",
):
    """A partner is sent nothing any more: it said that it is gone, or failed for five days."""

    endpoint_id: Id
    reason: Literal["gone", "failing"]
    last_status: int | None = None
    """The receiver's last answer, where there was one."""


class DeliveryReported(
    Event, topic=ENGAGEMENT, fact="delivery_reported", subject="message_id", key="message_id"
):
    """A mail or message provider told what became of a message. `message_id` is the provider's."""

    message_id: Id
    partner: Id
    kind: Literal["delivered", "bounced", "complained", "opened", "clicked"]
    permanent: bool | None = None
    """Of a bounce: whether the address will never take mail."""
    code: Code | None = None
    """The provider's own word for it."""


class MessageSent(Event, topic=ENGAGEMENT, fact="message_sent", subject="message_id"):
    """A message left for a customer. Who it went to and what it said stays in `engagement`."""

    message_id: Id
    customer_id: Id
    channel: Channel
    purpose: Purpose
    campaign: Code | None = None


class MessageOpened(Event, topic=ENGAGEMENT, fact="message_opened", subject="message_id"):
    message_id: Id
    customer_id: Id
    channel: Channel


class MessageClicked(Event, topic=ENGAGEMENT, fact="message_clicked", subject="message_id"):
    """The customer followed a link of the message."""

    message_id: Id
    customer_id: Id
    channel: Channel
