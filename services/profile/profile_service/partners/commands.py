"""What partners may tell `profile`: who a customer is."""

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_webhooks import Commands, Delivery, PartnerCommand
from profile_service.customers import service
from profile_service.customers.api import CustomerLine


async def save_customer(session: AsyncSession, body: CustomerLine, delivery: Delivery) -> None:
    """Introduce a customer, or change what is told of them; what is not told stays."""
    described = {body.customer_id: body.columns()}
    if body.customer_id in await service.register_customers(session, described, delivery.now):
        return
    customer = await service.lock_customer(session, body.customer_id)
    await service.update_customer(session, customer, body.columns(only_sent=True), delivery.now)


COMMANDS: Commands = {"save_customer": PartnerCommand(CustomerLine, save_customer)}
