"""What is learnt from and what is foretold: four ways to ask, none of which shows a test its answer."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import numpy as np

from recommend_service.evaluation.events import Events
from recommend_service.strategies.offers import NOBODY, Question
from recommend_service.strategies.repeat import Purchases
from recommend_service.strategies.scored import Floats, Ints

Protocol = Literal["next-item", "leave-last", "time-split", "next-basket"]
PROTOCOLS: tuple[Protocol, ...] = ("next-item", "leave-last", "time-split", "next-basket")

LAST_SHARE = 0.2
"""Without a time to split at, so many of the last visits are tested on."""


class NothingToTest(Exception):
    """No visitor has both something to learn from and something to foretell."""


class Case(NamedTuple):
    """One test: what is known of a visitor, and what they wanted then."""

    question: Question
    wanted: Ints
    repeated: bool
    """Whether something that is wanted was viewed or bought by this visitor before."""


class Split(NamedTuple):
    train: Events
    cases: list[Case]
    split_at: float | None


def split(events: Events, protocol: Protocol, split_at: float | None = None) -> Split:
    """Training events and test cases. Raises `NothingToTest`."""
    began = _begins(events)
    if protocol == "leave-last":
        found = _leave_last(events)
    else:
        if split_at is None:
            split_at = float(np.quantile(np.unique(began), 1 - LAST_SHARE))
        # A visit stands as a whole on one side: what began before is learnt from to its end.
        before = began < split_at
        asks = {"next-item": _next_items, "time-split": _afterwards, "next-basket": _next_baskets}
        train, test = events.where(before), events.where(~before)
        found = Split(train, list(asks[protocol](train, test)), split_at)
    if not found.cases or not len(found.train):
        raise NothingToTest(
            "No visitor has both events to learn from and events to foretell; choose another"
            " --split-at or --protocol."
        )
    return found


def instant(text: str) -> float:
    """Seconds since 1970 of a `--split-at`: RFC 3339, or that number itself. Raises `ValueError`."""
    try:
        return float(text)
    except ValueError:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _begins(events: Events) -> Floats:
    """When the visit of each event began."""
    first = np.full(int(events.visit.max()) + 1, np.inf)
    np.minimum.at(first, events.visit, events.at)
    return first[events.visit]


def _by(keys: Ints) -> Iterator[tuple[int, Ints]]:
    """The places of each key, in order."""
    order = np.argsort(keys, kind="stable")
    ends = np.flatnonzero(np.r_[keys[order][1:] != keys[order][:-1], True]) + 1
    start = 0
    for end in ends.tolist():
        yield int(keys[order[start]]), order[start:end].astype(np.int32)
        start = end


class History:
    """What each visitor did before, as a question holds it."""

    def __init__(self, train: Events) -> None:
        self._train = train
        self._places = dict(_by(train.visitor)) if len(train) else {}

    def known(self, visitor: int) -> bool:
        return visitor in self._places

    def question(self, visitor: int, now: float, session: Ints) -> Question:
        places = self._places.get(visitor)
        if places is None:
            return Question(now=now, session=session)
        items = self._train.item[places]
        if not self._train.baskets:
            return Question(now=now, session=np.concatenate([items[-100:], session]))
        visits = self._train.visit[places]
        _, first, which = np.unique(visits, return_index=True, return_inverse=True)
        rank = np.empty(len(first), np.int32)
        rank[np.argsort(first)] = np.arange(len(first))
        # A product counts once an order, however many lines or pieces of it there are.
        _, once = np.unique(np.column_stack([which, items]), axis=0, return_index=True)
        once.sort()
        bought = Purchases(items[once], self._train.at[places][once], rank[which][once])
        return Question(now=now, session=session, purchases=bought)

    def has(self, visitor: int, wanted: Ints) -> bool:
        places = self._places.get(visitor)
        return places is not None and bool(np.isin(wanted, self._train.item[places]).any())


def _next_items(train: Events, test: Events) -> Iterator[Case]:
    """Each further product of a visit, after those before it. What training never had is not asked."""
    known = np.unique(train.item)
    history = History(train)
    for _, places in _by(test.visit):
        items, visitor = test.item[places], int(test.visitor[places[0]])
        askable = np.isin(items, known)
        for place in range(1, len(items)):
            if askable[place]:
                question = history.question(visitor, float(test.at[places[place]]), items[:place])
                wanted = items[place : place + 1]
                yield Case(question, wanted, bool(np.isin(wanted, items[:place]).any()))


def _leave_last(events: Events) -> Split:
    """Each visitor's last event, after all others of everybody."""
    last = np.zeros(len(events), bool)
    # Events stand in the order of their times: the last assignment is the latest.
    latest = np.zeros(int(events.visitor.max()) + 1, np.int64)
    latest[events.visitor] = np.arange(len(events))
    several = np.bincount(events.visitor) > 1
    last[latest[several]] = True
    train = events.where(~last)
    history, known = History(train), np.unique(train.item)
    cases = []
    for place in np.flatnonzero(last).tolist():
        wanted = events.item[place : place + 1]
        visitor = int(events.visitor[place])
        if np.isin(wanted, known).any():
            question = history.question(visitor, float(events.at[place]), NOBODY)
            cases.append(Case(question, wanted, history.has(visitor, wanted)))
    return Split(train, cases, None)


def _afterwards(train: Events, test: Events) -> Iterator[Case]:
    """All that a known visitor wanted after the split."""
    history = History(train)
    for visitor, places in _by(test.visitor):
        if history.known(visitor):
            wanted = np.unique(test.item[places])
            question = history.question(visitor, float(test.at[places].min()), NOBODY)
            yield Case(question, wanted, history.has(visitor, wanted))


def _next_baskets(train: Events, test: Events) -> Iterator[Case]:
    """The products of a known visitor's first visit after the split."""
    history = History(train)
    for visitor, places in _by(test.visitor):
        if history.known(visitor):
            first = places[test.visit[places] == test.visit[places[0]]]
            wanted = np.unique(test.item[first])
            question = history.question(visitor, float(test.at[first[0]]), NOBODY)
            yield Case(question, wanted, history.has(visitor, wanted))
