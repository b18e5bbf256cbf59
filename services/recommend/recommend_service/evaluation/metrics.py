"""How good a ranking is, and how sure that is."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel

from recommend_service.strategies.scored import Floats, Ints

RESAMPLES = 1_000
SHARE = 0.95


class Result(BaseModel):
    """Means over all tests. `low` and `high` bound the recall: 95 % of bootstrap samples lie within.

    With one wanted product a test, as in next-item and leave-last, recall and hit rate are the same.
    """

    hit_rate: float
    """The share of tests of which at least one wanted product is among the first k."""
    mrr: float
    """One over the rank of the first wanted product, 0 beyond k."""
    recall: float
    """The share of a test's wanted products that are among the first k."""
    ndcg: float
    coverage: float
    """The share of all products of the training that were recommended to somebody."""
    novelty: float
    """Bits: how rare the recommended products are in the training, on average."""
    low: float
    high: float


def measure(ranked: Sequence[Ints], wanted: Sequence[Ints], counts: Ints, k: int) -> Result:
    """`counts` are the products' numbers of events in the training."""
    rows = [_one(best[:k], want, k) for best, want in zip(ranked, wanted, strict=True)]
    values = np.array(rows)
    low, high = interval(values[:, 2])
    shown = np.concatenate([best[:k] for best in ranked]) if ranked else np.empty(0, np.int32)
    shares = np.maximum(counts, 1) / max(1, int(counts.sum()))
    hit_rate, mrr, recall, ndcg = (round(float(value), 6) for value in values.mean(axis=0))
    return Result(
        hit_rate=hit_rate,
        mrr=mrr,
        recall=recall,
        ndcg=ndcg,
        coverage=round(len(np.unique(shown)) / max(1, int((counts > 0).sum())), 6),
        novelty=round(float(-np.log2(shares[shown]).mean()), 4) if len(shown) else 0.0,
        low=round(low, 6),
        high=round(high, 6),
    )


def _one(best: Ints, wanted: Ints, k: int) -> tuple[float, float, float, float]:
    places = np.flatnonzero(np.isin(best, wanted))
    if not len(places):
        return 0.0, 0.0, 0.0, 0.0
    ideal = (1 / np.log2(np.arange(min(len(wanted), k)) + 2)).sum()
    gain = (1 / np.log2(places + 2)).sum()
    return 1.0, 1 / (places[0] + 1), len(places) / len(wanted), float(gain / ideal)


def interval(values: Floats) -> tuple[float, float]:
    """The percentile bootstrap of the mean (Efron 1979), with a seed: the same run, the same bounds."""
    random = np.random.default_rng(11)
    # Sums by how often each test is drawn: as many numbers as resamples, not as tests times resamples.
    means = [
        float(values[random.integers(0, len(values), len(values))].mean()) for _ in range(RESAMPLES)
    ]
    edge = (1 - SHARE) / 2
    return float(np.quantile(means, edge)), float(np.quantile(means, 1 - edge))
