"""A fit as it is stored: arrays by sku, so that each process can number its products as it met them."""

import io
import json
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from recommend_service.strategies.repeat import Rhythms
from recommend_service.strategies.taste import Taste

_NEWEST = """
    SELECT fit_id, fitted_at, interactions, seconds, figures::text, arrays
    FROM fits ORDER BY fit_id DESC LIMIT 1
"""


class Fitted(NamedTuple):
    """What a fit found, and on what."""

    fit_id: int
    fitted_at: datetime
    interactions: int
    seconds: float
    figures: dict[str, Any]
    skus: list[str]
    arrays: dict[str, Any]

    def numbered(self, numbers: Any) -> tuple[Taste, Rhythms]:
        """The models under this process's numbers (`Numbers.of`)."""
        own = np.array([numbers.of(sku) for sku in self.skus], np.int32)
        size = int(own.max()) + 1 if len(own) else 0
        usual_rate, usual_gap = (float(each) for each in self.arrays["usual"])
        places = np.zeros((size, self.arrays["places"].shape[1]), np.float32, order="F")
        degree, rate = np.ones(size), np.full(size, usual_rate)
        gap = np.full(size, usual_gap)
        if size:
            places[own], degree[own] = self.arrays["places"], self.arrays["degree"]
            rate[own], gap[own] = self.arrays["rate"], self.arrays["gap"]
        return Taste(places, degree), Rhythms(rate, gap, usual_rate, usual_gap)


def pack(skus: list[str], taste: Taste, rhythms: Rhythms) -> bytes:
    """The arrays as bytes; half precision is enough for what is only compared."""
    items = np.arange(len(skus), dtype=np.int32)
    rate, gap = rhythms.of(items)
    places = np.zeros((len(skus), taste.places.shape[1]), np.float16)
    degree = np.ones(len(skus), np.float32)
    places[: len(taste.places)], degree[: len(taste.degree)] = taste.places, taste.degree
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        skus=np.frombuffer(json.dumps(skus).encode(), np.uint8),
        places=places,
        degree=degree,
        rate=rate.astype(np.float32),
        gap=gap.astype(np.float32),
        usual=np.array([rhythms.usual_rate, rhythms.usual_gap]),
    )
    return buffer.getvalue()


async def read_fit(connection: Any) -> Fitted | None:
    """The newest fit, or None before the first."""
    row = await connection.fetchrow(_NEWEST)
    if row is None:
        return None
    fit_id, fitted_at, interactions, seconds, figures, packed = row
    with np.load(io.BytesIO(packed), allow_pickle=False) as stored:
        arrays = dict(stored)
    skus = json.loads(arrays.pop("skus").tobytes())
    return Fitted(fit_id, fitted_at, interactions, seconds, json.loads(figures), skus, arrays)
