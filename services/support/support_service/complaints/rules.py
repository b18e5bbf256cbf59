"""What a complaint's text suggests, and which complaints belong together.

The suggestions come from words and their weights (lexicon.py), so that each can be explained by the
words that decided. They read words, not sentences: "not late" counts as "late".
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar, get_args

from perennial_events.catalogue.complaints import Category, Severity
from support_service.complaints.lexicon import CATEGORY_WORDS, SEVERITY_WORDS, Words

T_co = TypeVar("T_co", covariant=True)

CATEGORIES: tuple[Category, ...] = get_args(Category)
LONGEST_PHRASE = 3
CRITICAL_FROM, MAJOR_FROM = 4, 2
"""The weight of all telling words together from which a complaint is that grave."""

_WORD = re.compile(r"[^\W_]+")


class Suggestion(NamedTuple, Generic[T_co]):
    value: T_co
    because: list[str]
    """The words that decided, as the text has them in lower case; none where it has none."""


class Lexicon(NamedTuple):
    """Weights by whole word or phrase, and by stem; folded as the text is."""

    whole: dict[str, int]
    stems: dict[str, int]
    first_words: frozenset[str]
    beginnings: tuple[str, ...]
    """The stems once more, as `startswith` takes them."""

    def may_begin(self, word: str) -> bool:
        """Whether a telling word or phrase may begin with `word`: most words are passed over here."""
        return word in self.first_words or word.startswith(self.beginnings)


def fold(text: str) -> str:
    """Lower case without accents: `Verspätet` and `verspatet` are the same word."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def compile_words(words: Words) -> Lexicon:
    whole: dict[str, int] = {}
    stems: dict[str, int] = {}
    for weight, lists in words.items():
        for term in ", ".join(lists).split(", "):
            folded = fold(term)
            if folded.endswith("*"):
                stems[folded[:-1]] = weight
            else:
                whole[folded] = weight
    first_words = frozenset(term.split(" ", 1)[0] for term in whole)
    return Lexicon(whole, stems, first_words, tuple(stems))


_CATEGORIES = {category: compile_words(words) for category, words in CATEGORY_WORDS.items()}
_SEVERITIES = compile_words(SEVERITY_WORDS)


def suggest_category(text: str) -> Suggestion[Category]:
    """The category whose words weigh most; `other` where there are none."""
    words = _words(text)
    found = {category: _telling(words, _CATEGORIES[category]) for category in _CATEGORIES}
    # Of equals, the one that stands first in the contract.
    best = max(_CATEGORIES, key=lambda each: (sum(found[each].values()), -CATEGORIES.index(each)))
    return Suggestion(best, list(found[best])) if found[best] else Suggestion("other", [])


def suggest_severity(text: str) -> Suggestion[Severity]:
    """`minor` where nothing in the text says that it is worse."""
    found = _telling(_words(text), _SEVERITIES)
    weight = sum(found.values())
    if weight >= CRITICAL_FROM:
        return Suggestion("critical", list(found))
    return Suggestion("major" if weight >= MAJOR_FROM else "minor", list(found))


def suggest(
    text: str, category: Category | None, severity: Severity | None
) -> tuple[Suggestion[Category], Suggestion[Severity]]:
    """Category and severity: as given, or else as the text suggests."""
    return (
        suggest_category(text) if category is None else Suggestion(category, []),
        suggest_severity(text) if severity is None else Suggestion(severity, []),
    )


class _Word(NamedTuple):
    written: str
    folded: str


def _words(text: str) -> list[_Word]:
    composed = unicodedata.normalize("NFC", text)
    return [_Word(word.lower(), fold(word)) for word in _WORD.findall(composed)]


def _telling(words: Sequence[_Word], lexicon: Lexicon) -> Mapping[str, int]:
    """The telling words and phrases of the text with their weights, each once, longest first."""
    found: dict[str, int] = {}
    position = 0
    while position < len(words):
        if not lexicon.may_begin(words[position].folded):
            position += 1
            continue
        for length in range(LONGEST_PHRASE, 0, -1):
            some = words[position : position + length]
            weight = _weight(" ".join(word.folded for word in some), lexicon, stem=length == 1)
            if weight:
                found.setdefault(" ".join(word.written for word in some), weight)
                break
        position += length
    return found


def _weight(phrase: str, lexicon: Lexicon, *, stem: bool) -> int:
    weight = lexicon.whole.get(phrase, 0)
    if weight or not stem:
        return weight
    return max((w for start, w in lexicon.stems.items() if phrase.startswith(start)), default=0)


def overlapping(spans: Sequence[tuple[datetime, datetime | None]]) -> list[list[int]]:
    """Which spans of time overlap, directly or through others: their indexes, in order of time.

    A span whose end is None lasts. One that begins when another ends does not overlap it.
    """
    groups: list[list[int]] = []
    end: datetime | None = None
    for index in sorted(range(len(spans)), key=lambda each: spans[each][0]):
        start, until = spans[index]
        if groups and (end is None or start < end):
            groups[-1].append(index)
            end = None if end is None or until is None else max(end, until)
        else:
            groups.append([index])
            end = until
    return groups
