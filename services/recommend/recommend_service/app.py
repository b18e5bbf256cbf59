"""The service, put together."""

from perennial_events import Clock, Database, Timer, Worker, open_log, utc_now
from perennial_http import HOUSEKEEPING, ServiceApp, create_app, operations
from perennial_http.app import Background
from perennial_http.privacy import privacy, sweep
from recommend_service.facts.pruning import forget_journal, forget_views
from recommend_service.fitting.service import keep_fitted
from recommend_service.handlers import SUBSCRIPTIONS
from recommend_service.holdings import HOLDINGS
from recommend_service.live.following import Live
from recommend_service.merchandising import api as merchandising
from recommend_service.outcomes import api as outcomes
from recommend_service.outcomes.decisions import Decisions
from recommend_service.outcomes.service import forget_old, learn_weights
from recommend_service.recommendations import api as recommendations
from recommend_service.recommendations.service import Recommender
from recommend_service.settings import Settings


def create(settings: Settings, clock: Clock = utc_now) -> ServiceApp:
    """The application of `recommend`: its routes, and its worker where the role has one.

    A worker needs no models in memory, and a process that only answers does not fit them.
    """
    database = Database(
        settings.database_url,
        source="/perennial/recommend",
        pool_size=settings.database_connections,
    )
    event_log = open_log(settings.log)
    worker = Worker(
        database,
        event_log,
        group="recommend",
        url=settings.database_url,
        subscriptions=SUBSCRIPTIONS,
        timers=(
            sweep(HOLDINGS),
            *HOUSEKEEPING,
            Timer("views", 60.0, forget_views(settings.views_kept_days)),
            Timer("journal", 60.0, forget_journal),
            Timer("decisions", 60.0, forget_old),
            Timer("weights", 60.0, learn_weights),
        ),
        clock=clock,
    )
    live = Live(database, clock, support=settings.minimum_support)
    decisions = Decisions(database)
    background: dict[str, Background] = {}
    if settings.role != "worker":
        background |= {"models": live.follow, "decisions": decisions.keep_writing}
    if settings.role != "api":
        background["fitting"] = lambda: keep_fitted(database, settings.database_url)
    app = create_app(
        title="Perennial recommend",
        version="1",
        settings=settings,
        database=database,
        routers=[
            recommendations.router,
            merchandising.router,
            outcomes.router,
            *privacy("recommend", HOLDINGS),
            operations(worker),
        ],
        worker=worker,
        checks={} if settings.role == "worker" else {"models": live.ready},
        background=background,
        closing=[decisions.write],
    )
    app.state.clock, app.state.live, app.state.decisions = clock, live, decisions
    app.state.recommender = Recommender(
        live,
        decisions,
        exploring_share=settings.exploring_share,
        holdout_share=settings.holdout_share,
    )
    return app
