"""From partners' spellings of ids, amounts and times to ours. Each raises `ValueError` with a sentence."""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from perennial_http import decimals
from perennial_http.codes import CURRENCY_DECIMALS

_is_id = re.compile(r"[A-Za-z0-9._:-]{1,64}").fullmatch
_NOT_OF_AN_ID = re.compile(r"[^A-Za-z0-9._:-]+")
_NOT_OF_A_CODE = re.compile(r"[^A-Za-z0-9 ._:/&+-]+")
_ID_CHARACTERS, _DIGEST_CHARACTERS = 64, 8
_MAX_TEXT = 10_000
_MOST_DIGITS = 18


def as_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("is not text")  # noqa: TRY004 - a fault of the payload, not of the program
    text = str(value).strip()
    if not text:
        raise ValueError("is empty")
    return text[:_MAX_TEXT]


def as_id(value: Any) -> str:
    """An id of ours; one that holds other characters, or too many, keeps apart by a digest."""
    text = as_text(value)
    if _is_id(text):
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    plain = _NOT_OF_AN_ID.sub("-", text)[: _ID_CHARACTERS - _DIGEST_CHARACTERS - 1]
    return f"{plain}.{digest}"


def as_code(value: Any) -> str:
    """A short value from somebody's list, such as a carrier's name."""
    code = _NOT_OF_A_CODE.sub(" ", as_text(value)).strip(" ._:/&+-")[:64]
    if not code:
        raise ValueError("is no code")
    return code


def as_integer(value: Any) -> int:
    number = as_number(value)
    if number != number.to_integral_value():
        raise ValueError("is not a whole number")
    return int(number)


def as_number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("is not a number")  # noqa: TRY004 - as above
    text = str(value)
    try:
        number = Decimal(text) if len(text) <= 40 else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError("is not a number, or too large")
    return number


def as_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "True", "1", 1):
        return True
    if value in ("false", "False", "0", 0):
        return False
    raise ValueError("is neither true nor false")


def as_time(value: Any) -> str:
    """RFC 3339 in UTC, from RFC 3339 or ISO 8601 with its zone, or from seconds since 1970."""
    try:
        if isinstance(value, str) and not value.isdigit():
            at = datetime.fromisoformat(value)
        else:
            at = datetime.fromtimestamp(float(as_number(value)), UTC)
        in_utc = None if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        in_utc = None
    if in_utc is None:
        raise ValueError("is not a time with its zone")
    return in_utc.isoformat().replace("+00:00", "Z")


CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "text": as_text,
    "id": as_id,
    "code": as_code,
    "integer": as_integer,
    "number": lambda value: float(as_number(value)),
    "boolean": as_boolean,
    "time": as_time,
    "lower": lambda value: as_text(value).lower(),
}


def money(amount: Any, currency: Any, *, minor: bool) -> dict[str, Any]:
    """Ours from an amount in major units (`"12.50"`) or in minor ones (1250), beside its currency."""
    code = as_text(currency).upper()
    if code not in CURRENCY_DECIMALS:
        raise ValueError(f"has the currency {code[:10]}, which is not an active ISO 4217 code")
    number = as_number(amount)
    units = number if minor else number.scaleb(decimals(code))
    if units != units.to_integral_value():
        raise ValueError(f"has more decimals than {code} has")
    return {"amount": int(units), "currency": code}
