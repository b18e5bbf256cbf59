"""What partners may tell `engagement`: what became of a message that they carried."""

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import emit
from perennial_events.catalogue import DeliveryReported
from perennial_events.values import Code
from perennial_http import Body, Id, Time
from perennial_webhooks import Commands, Delivery, PartnerCommand


class DeliveryReport(Body):
    message_id: Id
    """The provider's own."""
    kind: Literal["delivered", "bounced", "complained", "opened", "clicked"]
    at: Time
    permanent: bool | None = None
    code: Code | None = None


async def report_delivery(
    session: AsyncSession, report: DeliveryReport, delivery: Delivery
) -> None:
    """Publish what the provider says."""
    told = DeliveryReported(partner=delivery.partner, **report.model_dump(exclude={"at"}))
    emit(session, told, at=report.at)


COMMANDS: Commands = {"report_delivery": PartnerCommand(DeliveryReport, report_delivery)}
