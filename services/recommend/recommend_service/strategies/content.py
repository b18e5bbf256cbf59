"""New products, about which nobody's behaviour says anything yet: by what they are."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import log

import numpy as np

from recommend_service.strategies.scored import NOTHING, Ints, Scored

NEW_FOR = 60 * 86_400.0
"""A product is new for so many seconds after it was first described."""

_WORDS = re.compile(r"\w{3,}")


def words_of(name: str | None, category: str | None) -> frozenset[str]:
    """What a product is, in words: those of its name, and its category as one."""
    words = set(_WORDS.findall((name or "").lower()))
    if category:
        words.add(f"category {category}")
    return frozenset(words)


def new_like(
    liked: Ints,
    new: Sequence[int],
    words: Mapping[int, frozenset[str]],
    age_shares: Sequence[float],
) -> Scored:
    """The new products that share words with what is liked; without anything liked, the newest.

    The score is the cosine of the binary words, each weighed by its rarity among the new ones, plus a
    little for being newer. `age_shares` say how much of its time as a new product each has left.
    """
    if not new:
        return NOTHING
    frequency = Counter(word for item in new for word in words.get(item, ()))
    profile = Counter(word for item in liked.tolist() for word in words.get(item, ()))
    norm = sum(count * count for count in profile.values()) ** 0.5
    scores = []
    for item, left in zip(new, age_shares, strict=True):
        own = words.get(item, frozenset())
        match = sum(profile[word] * log(1 + len(new) / frequency[word]) for word in own)
        likeness = match / (norm * len(own) ** 0.5) if norm and own else 0.0
        scores.append(likeness + 0.01 * max(0.0, left) + 1e-6)
    return Scored(np.array(new, np.int32), np.array(scores))
