"""Codes of gift cards, and which card gets how much back."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32: without I, L and O, which are taken for 1 and 0, and without U."""

RANDOM_CHARACTERS = 15
"""75 random bits and a check digit: nobody guesses a code, and nobody mistypes one into another."""

_AS_TYPED = re.compile(r"[0-9A-Za-z][0-9A-Za-z -]{14,38}")
_READ_AS = str.maketrans("ILO", "110", " -")


def with_check_digit(characters: str) -> str:
    """`characters` and their check digit (the Luhn algorithm modulo 32).

    It tells any single wrong character, and nearly any two that changed places.
    """
    return characters + ALPHABET[-_luhn_sum(characters, 2) % len(ALPHABET)]


def read_code(typed: str) -> str:
    """A code as it was issued, from how somebody typed it. Raises `ValueError` where it is none."""
    code = typed.upper().translate(_READ_AS) if _AS_TYPED.fullmatch(typed) else ""
    if len(code) != RANDOM_CHARACTERS + 1 or not set(code) <= set(ALPHABET):
        raise ValueError("is no gift card's code: those have 16 letters and digits")
    if _luhn_sum(code, 1) % len(ALPHABET):
        raise ValueError("is no gift card's code: a character of it is mistyped")
    return code


def written(code: str) -> str:
    """A code as people read it: `ABCD-EFGH-JKMN-PQRS`."""
    return "-".join(code[place : place + 4] for place in range(0, len(code), 4))


def code_hash(code: str) -> bytes:
    """What is kept of a code. So many random bits need no salt."""
    return hashlib.sha256(code.encode()).digest()


def _luhn_sum(characters: str, factor: int) -> int:
    total = 0
    for character in reversed(characters):
        doubled = ALPHABET.index(character) * factor
        total += doubled // len(ALPHABET) + doubled % len(ALPHABET)
        factor = 3 - factor
    return total


class Spent(NamedTuple):
    """What an order took from a card, and what of that went back already."""

    gift_card_id: str
    amount: int
    refunded: int


def give_back(spent: Iterable[Spent], amount: int) -> Iterator[tuple[str, int]]:
    """Spread `amount` over an order's cards: the one that was named first is filled up first."""
    for each in spent:
        part = min(amount, each.amount - each.refunded)
        if part > 0:
            amount -= part
            yield each.gift_card_id, part
