"""What texts suggest, and which complaints belong together."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support_service.complaints import rules
from support_service.complaints.lexicon import CATEGORY_WORDS, SEVERITY_WORDS


@pytest.mark.parametrize(
    ("text", "category", "severity", "because"),
    [
        ("My parcel is late.", "delivery", "minor", ["parcel", "late"]),
        ("It was lost in the mail!", "delivery", "major", ["lost"]),
        ("The mug arrived BROKEN", "quality", "major", ["broken"]),
        ("I was charged twice", "payment", "major", ["charged twice"]),
        ("Your agent was rude to me", "service", "major", ["agent", "rude"]),
        ("The website shows nothing", "website", "minor", ["website"]),
        ("Das Paket kommt zu spät", "delivery", "minor", ["paket", "zu spät"]),
        ("Die Tasse ist VERSPÄTET und beschädigt, kaputt", "quality", "critical", ["beschädigt", "kaputt"]),
        ("Es wurde doppelt abgebucht", "payment", "major", ["doppelt abgebucht"]),
        ("Het pakket is nog steeds niet aangekomen", "delivery", "major", ["pakket", "niet aangekomen"]),
        ("De medewerker was onbeleefd", "service", "major", ["medewerker", "onbeleefd"]),
        ("Mein Passwort wird nicht erkannt", "website", "minor", ["passwort"]),
        ("A encomenda não chegou", "delivery", "major", ["encomenda", "não chegou"]),
        ("A ENCOMENDA NAO CHEGOU", "delivery", "major", ["encomenda", "nao chegou"]),
        ("Fui cobrado duas vezes", "payment", "major", ["cobrado duas vezes"]),
        ("Veio quebrada", "quality", "major", ["quebrada"]),
        ("A brand new day, boa tarde", "other", "minor", []),
        ("", "other", "minor", []),
    ],
)  # fmt: skip
def test_words_suggest(text: str, category: str, severity: str, because: list[str]) -> None:
    assert rules.suggest_category(text) == (category, because)
    assert rules.suggest_severity(text).value == severity


def test_danger_is_critical() -> None:
    suggested = rules.suggest_severity("The cable caught fire")
    assert suggested == ("critical", ["fire"])


def test_a_word_counts_once_however_often_it_stands() -> None:
    assert rules.suggest_severity("late late late late").value == "minor"


def test_of_equals_the_first_in_the_contract_wins() -> None:
    assert rules.suggest_category("broken and late").value == "delivery"


@given(st.text(max_size=300))
def test_any_text_gets_an_answer_from_its_own_words(text: str) -> None:
    category, severity = rules.suggest(text, None, None)
    assert category.value in rules.CATEGORIES
    assert (category.value == "other") == (not category.because)
    assert severity.value in ("minor", "major", "critical")


def test_what_is_given_is_not_second_guessed() -> None:
    category, severity = rules.suggest("broken", "payment", "minor")
    assert (category, severity) == (("payment", []), ("minor", []))


@pytest.mark.parametrize("words", [*CATEGORY_WORDS.values(), SEVERITY_WORDS])
def test_every_entry_of_the_lexicon_can_be_met(words: dict[int, tuple[str, ...]]) -> None:
    terms = [term for lists in words.values() for entry in lists for term in entry.split(", ")]
    assert all(term == term.strip().lower() for term in terms)
    assert all(len(term.split()) <= rules.LONGEST_PHRASE for term in terms)
    # A star stands for the ending of a single word.
    assert all("*" not in term.removesuffix("*") for term in terms)
    assert all(" " not in term for term in terms if "*" in term)


DAY = datetime(2026, 1, 1, tzinfo=UTC)
spans = st.tuples(st.integers(0, 30), st.none() | st.integers(0, 10)).map(
    lambda s: (DAY + timedelta(s[0]), None if s[1] is None else DAY + timedelta(s[0] + s[1]))
)


@given(st.lists(spans, max_size=12))
def test_complaints_that_share_a_case_overlap_and_others_do_not(
    given_spans: list[tuple[datetime, datetime | None]],
) -> None:
    groups = rules.overlapping(given_spans)
    assert sorted(index for group in groups for index in group) == list(range(len(given_spans)))
    last_end: datetime | None = DAY
    for group in groups:
        starts = [given_spans[index][0] for index in group]
        assert starts == sorted(starts)
        # Each group begins when all before it have ended; at most the last one lasts.
        assert last_end is not None
        assert starts[0] >= last_end
        end: datetime | None = given_spans[group[0]][1]
        for index in group[1:]:
            start, until = given_spans[index]
            assert end is None or start < end
            end = None if end is None or until is None else max(end, until)
        last_end = end
