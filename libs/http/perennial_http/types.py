"""The value types of HTTP bodies and queries, beside those that events share (`perennial_events.values`)."""

import re
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from perennial_events.values import MAX_AMOUNT, Amount, Id, Quantity
from perennial_http.bodies import Body
from perennial_http.codes import COUNTRIES, CURRENCY_DECIMALS

__all__ = [
    "MAX_AMOUNT",
    "Amount",
    "Country",
    "Currency",
    "Id",
    "Language",
    "Money",
    "Quantity",
    "SignedMoney",
    "Text",
    "Time",
    "Zone",
    "decimals",
]

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_UTC_RANGE = "is outside of the years 1 to 9999 in UTC"


def _read_time(value: Any) -> Any:
    # Pydantic alone would read numbers in strings as seconds since 1970.
    if not isinstance(value, str):
        return value
    if not _RFC3339.fullmatch(value):
        raise ValueError("must be an RFC 3339 time with its zone, such as 2026-03-01T12:00:00Z")
    return datetime.fromisoformat(value.upper())


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(_UTC_RANGE) from None


Time = Annotated[AwareDatetime, BeforeValidator(_read_time), AfterValidator(_to_utc)]
"""An instant as a caller writes it: RFC 3339 with its zone; in answers UTC with `Z`."""


def _known(codes: frozenset[str] | dict[str, int], what: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in codes:
            raise ValueError(f"is not {what}")
        return value

    return AfterValidator(check)


Currency = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{3}$"),
    _known(CURRENCY_DECIMALS, "an active ISO 4217 code"),
]
Country = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{2}$"), _known(COUNTRIES, "an ISO 3166-1 alpha-2 code")
]

Language = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*$"
    ),
]
"""A BCP 47 tag of language, script, region and variants: `de`, `pt-BR`, `zh-Hant-TW`."""


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(value: str) -> str:
    if value not in _zones():
        raise ValueError("is not an IANA time zone, such as Europe/Berlin")
    return value


Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
"""An IANA time zone's name."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
"""Prose of a person. NUL never gets this far (see bodies.py)."""


def decimals(currency: str) -> int:
    """How many decimals the currency's minor unit has: 2 for EUR, 0 for JPY, 3 for KWD."""
    return CURRENCY_DECIMALS[currency]


class Money(Body):
    """An amount in minor units beside its currency."""

    amount: Amount
    currency: Currency


class SignedMoney(Body):
    """Money that may be negative, such as a margin."""

    amount: Annotated[int, Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT, strict=True)]
    currency: Currency
