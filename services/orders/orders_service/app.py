"""The service, put together."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.gift_cards import api as gift_cards
from orders_service.handlers import SUBSCRIPTIONS
from orders_service.holdings import HOLDINGS
from orders_service.opportunities import api as opportunities
from orders_service.orders import api as orders
from orders_service.orders import imports
from orders_service.orders.pricing import price_late_orders
from orders_service.partners.commands import commands
from orders_service.products import api as products
from orders_service.quotes import api as quotes
from orders_service.quotes.service import expire_quotes
from orders_service.rates import api as rates
from orders_service.returns import api as returns
from orders_service.settings import Settings
from orders_service.shipments import api as shipments
from orders_service.shipments.service import tell_delays
from orders_service.wish_lists import api as wish_lists
from perennial_events import Clock, Database, Timer, Worker, open_log, utc_now
from perennial_http import HOUSEKEEPING, ServiceApp, create_app, operations
from perennial_http.privacy import privacy, sweep
from perennial_webhooks import HOUSEKEEPING as PARTNER_HOUSEKEEPING
from perennial_webhooks import partners

DELAYS = Timer("shipment delays", 1.0, tell_delays)
QUOTES = Timer("quotes", 1.0, expire_quotes)


def create(settings: Settings, clock: Clock = utc_now) -> ServiceApp:
    """The application of `orders`: its routes, and its worker where the role has one."""
    database = Database(
        settings.database_url, source="/perennial/orders", pool_size=settings.database_connections
    )
    event_log = open_log(settings.log)

    async def late_prices(session: AsyncSession, now: datetime) -> int:
        return await price_late_orders(session, settings.currency, now)

    worker = Worker(
        database,
        event_log,
        group="orders",
        url=settings.database_url,
        subscriptions=SUBSCRIPTIONS,
        timers=(
            DELAYS,
            QUOTES,
            Timer("late prices", 1.0, late_prices),
            sweep(HOLDINGS),
            *PARTNER_HOUSEKEEPING,
            *HOUSEKEEPING,
        ),
        clock=clock,
    )
    app = create_app(
        title="Perennial orders",
        version="1",
        settings=settings,
        database=database,
        routers=[
            products.router,
            products.imports,
            orders.router,
            imports.router,
            shipments.router,
            returns.router,
            gift_cards.router,
            opportunities.router,
            quotes.router,
            wish_lists.router,
            rates.router,
            *privacy("orders", HOLDINGS),
            partners(
                "orders",
                commands(settings.currency, settings.return_window_days),
                settings.secret_key,
            ),
            operations(worker),
        ],
        worker=worker,
    )
    app.state.clock, app.state.settings = clock, settings
    return app
