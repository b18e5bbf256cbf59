"""One evaluation, from a file to its results."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recommend_service.evaluation.events import Events
from recommend_service.evaluation.metrics import Result, measure
from recommend_service.evaluation.peers import peers
from recommend_service.evaluation.protocols import Case, NothingToTest, Protocol, split
from recommend_service.evaluation.training import askable, offer, train
from recommend_service.strategies.blend import blended, evened, fitted
from recommend_service.strategies.offers import Models, Strategy
from recommend_service.strategies.scored import Ints, Scored

WEIGHING_CASES = 1_500
"""The blend's weights are fitted on so many cases out of the training events."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Evaluation:
    """What was found, with what has to be known to read it."""

    protocol: Protocol
    k: int
    tests: int
    of_tests: int
    """How many there were; more than `tests` if they were sampled."""
    repeats: float
    """The share of tests in which something wanted is a repeat."""
    split_at: float | None
    weights: dict[str, float]
    results: dict[str, Result]
    seconds: dict[str, float]
    """For each strategy, what its answers took, all in all."""


def evaluate(
    events: Events,
    protocol: Protocol,
    *,
    k: int,
    split_at: float | None,
    most_tests: int,
    say: Say = lambda _: None,
) -> Evaluation:
    """Learn from one part of the events and foretell the other. Raises `NothingToTest`."""
    parted = split(events, protocol, split_at)
    cases = _sampled(parted.cases, most_tests)
    say("weighing the blend on the training events alone")
    weights = _weights(parted.train, protocol, k)
    say("learning")
    models = train(parted.train)
    names = askable(parted.train)
    ranked: dict[str, list[Ints]] = {name: [] for name in (*names, "blend")}
    seconds: dict[str, float] = dict.fromkeys(ranked, 0.0)
    for case in cases:
        parts = {}
        for name in names:
            began = time.perf_counter()
            parts[name] = evened(offer(models, name, case.question))
            seconds[name] += time.perf_counter() - began
            ranked[name].append(parts[name].items[:k])
        began = time.perf_counter()
        ranked["blend"].append(
            blended({str(name): part for name, part in parts.items()}, weights).best(k).items
        )
        seconds["blend"] += time.perf_counter() - began
    for peer_name, peer in peers(parted.train).items():
        say(f"asking {peer_name}")
        began = time.perf_counter()
        ranked[peer_name] = peer(cases, k)
        seconds[peer_name] = time.perf_counter() - began
    counts = np.bincount(parted.train.item).astype(np.int32)
    wanted = [case.wanted for case in cases]
    return Evaluation(
        protocol=protocol,
        k=k,
        tests=len(cases),
        of_tests=len(parted.cases),
        repeats=float(np.mean([case.repeated for case in cases])),
        split_at=parted.split_at,
        weights=weights,
        results={name: measure(best, wanted, counts, k) for name, best in ranked.items()},
        seconds=seconds,
    )


def _sampled(cases: Sequence[Case], most: int) -> list[Case]:
    if len(cases) <= most:
        return list(cases)
    chosen = np.random.default_rng(3).choice(len(cases), most, replace=False)
    return [cases[place] for place in np.sort(chosen).tolist()]


def _weights(events: Events, protocol: Protocol, k: int) -> dict[str, float]:
    """The blend's weights: the training events split once more, the later part foretold."""
    try:
        inner = split(events, protocol)
    except NothingToTest:
        return dict.fromkeys(askable(events), 1.0)
    models, names = train(inner.train), askable(events)
    cases = [
        (_parts(models, names, case), case.wanted) for case in _sampled(inner.cases, WEIGHING_CASES)
    ]
    return fitted(cases, k)[0]


def _parts(models: Models, names: Sequence[Strategy], case: Case) -> dict[str, Scored]:
    return {name: evened(offer(models, name, case.question)) for name in names}
