"""What everybody wants now: points that halve with each day."""

import numpy as np

from recommend_service.strategies.scored import OFFERED, Floats, Ints, Scored, reaching

HALF_LIFE = 86_400.0
VIEW_POINTS, ADD_POINTS, ORDER_POINTS = 1.0, 3.0, 10.0
"""What a view, a putting into the cart and an order are worth."""

_FAR = 200.0
"""Half-lives after which the origin moves along, long before a float ends."""


class Trend:
    """The points of every product, each event's halved for each half-life since.

    Points grow with their time instead of fading with the clock (Cormode et al. 2009, "Forward
    decay"): an event costs one addition, and the ranking needs no recount.
    """

    def __init__(self, half_life: float = HALF_LIFE) -> None:
        self._half_life = half_life
        self._points = np.zeros(64)
        self._origin = 0.0
        self._newest = 0.0
        self._now: Scored | None = None

    def add(self, item: int, points: float, at: float) -> None:
        self.add_all(np.array([item], np.int32), np.array([points]), np.array([at]))

    def add_all(self, items: Ints, points: Floats, at: Floats) -> None:
        """Points below zero take back what was given at that time."""
        if not len(items):
            return
        self._now = None
        self._points = reaching(self._points, int(items.max()), 0.0)
        self._newest = max(self._newest, float(at.max()))
        if self._newest - self._origin > _FAR * self._half_life:
            self._points *= 0.5 ** ((self._newest - self._origin) / self._half_life)
            self._origin = self._newest
        np.add.at(self._points, items, points * 2.0 ** ((at - self._origin) / self._half_life))

    def now(self) -> Scored:
        """The products with the most points, as of the newest event: a quiet shop keeps its ranking."""
        if self._now is None:
            points = self._points * self._faded
            found = np.flatnonzero(points > 1e-9)
            self._now = Scored(found.astype(np.int32), points[found]).near(OFFERED)
        return self._now

    def of(self, items: Ints) -> Floats:
        """The points of these products, as of the newest event."""
        found = np.zeros(len(items))
        known = items < len(self._points)
        found[known] = self._points[items[known]] * self._faded
        return found

    @property
    def _faded(self) -> float:
        return float(0.5 ** ((self._newest - self._origin) / self._half_life))
