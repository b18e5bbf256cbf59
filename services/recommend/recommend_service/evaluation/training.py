"""The models of the service, learnt from a file's events instead of the projection's."""

import numpy as np

from recommend_service.evaluation.events import Events
from recommend_service.strategies import reactivate, repeat, taste, trending
from recommend_service.strategies.gathering import gathered
from recommend_service.strategies.offers import OFFERS, STRATEGIES, Models, Question, Strategy
from recommend_service.strategies.scored import Scored
from recommend_service.strategies.visits import empty_orders, empty_sessions


def train(events: Events) -> Models:
    """Everything that these events teach."""
    visits = gathered(events.visit, events.visitor, events.item, events.at)
    owners, at, _, items = visits
    of_visit = visits.visit_of
    sessions, orders = empty_sessions(), empty_orders()
    comebacks, rhythms = reactivate.Comebacks(), repeat.UNKNOWN
    points = trending.VIEW_POINTS
    if events.baskets:
        orders.load(*visits)
        comebacks.learn(*visits)
        rhythms = repeat.learn(owners[of_visit], items, at[of_visit])
        points = trending.ORDER_POINTS
    else:
        sessions.load(*visits)
    trend = trending.Trend()
    trend.add_all(items, np.full(len(items), points), at[of_visit])
    pairs, times = np.unique(np.column_stack([owners[of_visit], items]), axis=0, return_counts=True)
    return Models(
        sessions=sessions,
        orders=orders,
        trend=trend,
        comebacks=comebacks,
        taste=taste.fit(pairs[:, 0], pairs[:, 1], times.astype(np.float64)),
        rhythms=rhythms,
    )


def askable(events: Events) -> tuple[Strategy, ...]:
    """The strategies that such a file says anything about: without a catalogue, without categories
    and prices, three are left out."""
    orders: tuple[Strategy, ...] = ("for_you", "also_bought", "repeat", "reactivate", "trending")
    views: tuple[Strategy, ...] = ("for_you", "also_viewed", "trending")
    chosen = orders if events.baskets else views
    return tuple(each for each in STRATEGIES if each in chosen)


def offer(models: Models, strategy: Strategy, question: Question) -> Scored:
    return OFFERS[strategy](models, question)
