"""New products, about which nobody's behaviour says anything yet: by what they are."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommend_service.strategies.scored import Floats, Ints, Scored, summed

NEW_FOR = 60 * 86_400.0
"""A product is new for so many seconds after it was first described."""

_NEWEST = 300
"""So many of the newest are offered whatever they are."""
_COMMON = 100
"""A word of more of the new products than this, and than a tenth of them, does not tell them apart."""

_WORDS = re.compile(r"\w{3,}")


def words_of(name: str | None, category: str | None) -> frozenset[str]:
    """What a product is, in words: those of its name, and its category as one."""
    words = set(_WORDS.findall((name or "").lower()))
    if category:
        words.add(f"category {category}")
    return frozenset(words)


class NewProducts(NamedTuple):
    """New products in arrays, the newest first, and where each word that tells them apart stands."""

    items: Ints
    described_at: Floats
    norms: Floats
    """The length of each product's words as a binary vector."""
    places: Mapping[str, NDArray[np.intp]]


def indexed(described_at: Mapping[int, float], words: Mapping[int, frozenset[str]]) -> NewProducts:
    """An index of the products that were described at these times."""
    newest = sorted(described_at, key=described_at.__getitem__, reverse=True)
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(newest):
        for word in words.get(item, ()):
            places[word].append(place)
    most = max(_COMMON, len(newest) // 10)
    return NewProducts(
        np.array(newest, np.int32),
        np.array([described_at[item] for item in newest]),
        np.sqrt([max(1, len(words.get(item, ()))) for item in newest]),
        {word: np.array(found) for word, found in places.items() if len(found) <= most},
    )


def new_like(
    liked: Ints, words: Mapping[int, frozenset[str]], new: NewProducts, now: float
) -> Scored:
    """The new products that share words with what is liked, and the newest.

    The score is the cosine of the binary words, each weighed by its rarity among the new ones, plus a
    little for being newer.
    """
    profile = Counter(word for item in liked.tolist() for word in words.get(item, ()))
    norm = sum(count * count for count in profile.values()) ** 0.5
    met, worth = [np.arange(min(_NEWEST, len(new.items)))], [0.0]
    for word, count in profile.items():
        if (of_word := new.places.get(word)) is not None:
            met.append(of_word)
            worth.append(count * log(1 + len(new.items) / len(of_word)))
    weights = np.repeat(worth, [len(each) for each in met])
    places, (match,) = summed(np.concatenate(met), weights)
    age = (now - new.described_at[places]) / NEW_FOR
    scores = match / ((norm or 1.0) * new.norms[places]) + 0.01 * (1 - age) + 1e-6
    shown = (age >= 0) & (age < 1)
    return Scored(new.items[places[shown]], scores[shown])
