"""The projection `customer_state`: a batch's facts become rows, one statement a table."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Event, Projection, Received, driver
from perennial_events.identities import follow_identities
from profile_service.state import rows
from profile_service.state.facts import GATHERERS, gather


async def project(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
    """Apply a batch to state and timeline."""
    facts = gather(batch)
    if facts.identities:
        await follow_identities(session, facts.identities)
    connection = await driver(session)
    if facts.orders:
        await rows.store_orders(connection, facts)
    if facts.clicks:
        await rows.store_clicks(connection, facts)
    if facts.cases or facts.complaints:
        await rows.store_complaints(connection, facts)
    if facts.returns:
        await rows.store_returns(connection, facts)
    if facts.messages:
        await rows.store_messages(connection, facts)
    if facts.satisfaction or facts.recoveries:
        await rows.store_support(connection, facts)
    if facts.products:
        await rows.store_products(connection, facts)
    if facts.timeline:
        await connection.copy_records_to_table("timeline", records=facts.timeline)


CUSTOMER_STATE = Projection(
    name="customer_state",
    tables=(
        "aliases",
        "order_facts",
        "click_days",
        "case_facts",
        "complaint_facts",
        "product_facts",
        "return_facts",
        "message_facts",
        "satisfaction_facts",
        "recovery_facts",
        "timeline",
    ),
    subscribes=tuple(GATHERERS),
    apply=project,
)
