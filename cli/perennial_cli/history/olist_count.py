"""An independent count over the Olist files, to hold the services' totals against.

It shares the definitions of `olist` and none of its code: it goes through each file by itself, as text
and in centavos, and never puts an order together.
"""

import csv
import gzip
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from perennial_cli.history.shop import Totals


@dataclass(frozen=True, slots=True)
class OlistCount:
    """`late` deliveries came after the end of the promised day, `overdue` never; `ratings` counts the
    reviews of each level."""

    totals: Totals
    late: int
    overdue: int
    ratings: dict[int, int]


def independent_count(folder: Path) -> OlistCount:
    """Everything that can be counted in the files."""
    sold: Counter[str] = Counter()
    for order, _, _, _, _, price, freight in _lines(folder / "order_items.csv.gz"):
        sold[order] += sum(int(amount.replace(".", "")) for amount in (price, freight))
    person = {line[0]: line[1] for line in _lines(folder / "customers.csv.gz")}
    orders = [line for line in _lines(folder / "orders.csv.gz") if line[0] in sold]
    cancelled = [line[0] for line in orders if line[2] in {"canceled", "unavailable"}]
    # Of all statuses only cancelled orders can be unpaid here: all others have been approved.
    kept = [line for line in orders if line[0] not in set(cancelled) and line[4]]
    return OlistCount(
        totals=Totals(
            orders=len(kept),
            cancelled=len(cancelled),
            customers=len({person[line[1]] for line in orders}),
            returns=0,
            gross=sum(sold[line[0]] for line in kept),
            refunded=0,
        ),
        late=sum(line[6][:10] > line[7][:10] for line in kept if line[6]),
        overdue=sum(line[5] != "" and line[6] == "" for line in kept),
        ratings=dict(Counter(int(line[2]) for line in _lines(folder / "order_reviews.csv.gz"))),
    )


def _lines(path: Path) -> list[list[str]]:
    return list(csv.reader(gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)))[
        1:
    ]
