"""Support for property tests: a history in other orders and other batches, as a log may give it."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from hypothesis import strategies as st

from perennial_events.envelope import Received

History: TypeAlias = Sequence[Received[Any]]


def interleaved(data: st.DataObject, history: History) -> list[Received[Any]]:
    """The history in another order that keeps the order of each key in each topic."""
    lanes: dict[tuple[str, str], list[Received[Any]]] = defaultdict(list)
    for received in history:
        lanes[received.envelope.topic, received.envelope.key].append(received)
    turns = [lane for lane, events in lanes.items() for _ in events]
    return [lanes[lane].pop(0) for lane in data.draw(st.permutations(turns))]


def cut(data: st.DataObject, history: History) -> list[History]:
    """The history in one batch or in several."""
    places = data.draw(st.sets(st.integers(1, max(1, len(history) - 1))))
    ends = [0, *sorted(places), len(history)]
    return [history[start:end] for start, end in pairwise(ends) if start < end]
