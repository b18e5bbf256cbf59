"""New products, about which nobody's behaviour says anything yet: by what they are."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommend_service.strategies.scored import Floats, Ints, Scored

NEW_FOR = 60 * 86_400.0
"""A product is new for so many seconds after it was first described."""

_WORDS = re.compile(r"\w{3,}")


def words_of(name: str | None, category: str | None) -> frozenset[str]:
    """What a product is, in words: those of its name, and its category as one."""
    words = set(_WORDS.findall((name or "").lower()))
    if category:
        words.add(f"category {category}")
    return frozenset(words)


class NewProducts(NamedTuple):
    """New products in arrays, and where each word stands among them."""

    items: Ints
    described_at: Floats
    norms: Floats
    """The length of each product's words as a binary vector."""
    places: Mapping[str, NDArray[np.intp]]


def indexed(described_at: Mapping[int, float], words: Mapping[int, frozenset[str]]) -> NewProducts:
    """An index of the products that were described at these times."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(described_at):
        for word in words.get(item, ()):
            places[word].append(place)
    return NewProducts(
        np.fromiter(described_at, np.int32, len(described_at)),
        np.fromiter(described_at.values(), np.float64, len(described_at)),
        np.sqrt([max(1, len(words.get(item, ()))) for item in described_at]),
        {word: np.array(found) for word, found in places.items()},
    )


def new_like(
    liked: Ints, words: Mapping[int, frozenset[str]], new: NewProducts, now: float
) -> Scored:
    """The new products that share words with what is liked; without anything liked, the newest.

    The score is the cosine of the binary words, each weighed by its rarity among the new ones, plus a
    little for being newer.
    """
    profile = Counter(word for item in liked.tolist() for word in words.get(item, ()))
    norm = sum(count * count for count in profile.values()) ** 0.5
    match = np.zeros(len(new.items))
    for word, count in profile.items():
        if (places := new.places.get(word)) is not None:
            match[places] += count * log(1 + len(new.items) / len(places))
    age = (now - new.described_at) / NEW_FOR
    scores = match / ((norm or 1.0) * new.norms) + 0.01 * (1 - age) + 1e-6
    shown = (age >= 0) & (age < 1)
    return Scored(new.items[shown], scores[shown])
