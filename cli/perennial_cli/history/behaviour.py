"""How simulated customers buy: the BG/NBD story for when, the Gamma-Gamma story for how much.

Each customer has a purchase rate (Gamma over customers), a probability of dropping out after a
repeat purchase (Beta over customers), and a spending scale (Gamma over customers); the models that
Perennial fits therefore have something true to find.

Sources: Fader, Hardie & Lee 2005, "Counting Your Customers" the Easy Way; Fader & Hardie 2013, The
Gamma-Gamma Model of Monetary Value.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class BuyingModel:
    """Parameters over the shop's customers. Time in weeks, money in major units.

    r, alpha: Gamma of the purchase rate a week. a, b: Beta of the dropout probability.
    p, q, gamma: an order's value is Gamma(p, nu), nu is Gamma(q, gamma) over customers.
    """

    r: float
    alpha: float
    a: float
    b: float
    p: float
    q: float
    gamma: float

    @property
    def mean_order_value(self) -> float:
        return self.p * self.gamma / (self.q - 1)


PLANT_SHOP = BuyingModel(r=1.0, alpha=4.4, a=0.75, b=2.9, p=6.25, q=3.74, gamma=18.0)
"""CDNOW's alpha, spread of dropout and of spending (r .243, alpha 4.414, a .793, b 2.426, p 6.25,
q 3.74, gamma 15.44), with a higher r: a plant shop sells to more people who come back."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """One customer's own draw: purchases a week while alive, dropout probability, spending scale."""

    purchases_per_week: float
    dropout: float
    spending_scale: float


def generator(seed: int, *path: str | int) -> Random:
    """A stream of its own for each (seed, path), so that more customers never change the earlier."""
    name = "/".join(str(part) for part in (seed, *path))
    return Random(name)  # noqa: S311 - a simulation must be repeatable; nothing is secret here


def draw_rhythm(rng: Random, model: BuyingModel) -> Rhythm:
    return Rhythm(
        purchases_per_week=rng.gammavariate(model.r, 1 / model.alpha),
        dropout=rng.betavariate(model.a, model.b),
        spending_scale=rng.gammavariate(model.q, 1 / model.gamma),
    )


def draw_order_value(rng: Random, rhythm: Rhythm, model: BuyingModel) -> float:
    """What the customer means to spend on one order, in major units."""
    return rng.gammavariate(model.p, 1 / rhythm.spending_scale)


def repeat_gaps(rng: Random, rhythm: Rhythm) -> Iterator[float]:
    """Weeks from each purchase to the next, until the customer drops out.

    The first purchase starts the clock and ends nobody: dropout follows repeat purchases only, as
    in the paper.
    """
    while True:
        yield rng.expovariate(rhythm.purchases_per_week)
        if rng.random() < rhythm.dropout:
            return
