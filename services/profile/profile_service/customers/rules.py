"""E-mail addresses, phone numbers and postcodes: validated and written one way."""

import re
from functools import cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

# The shape of a postcode, where the country has one of its own; letters are in capitals.
_POSTCODES = {
    "AT": r"\d{4}",
    "BE": r"\d{4}",
    "CH": r"\d{4}",
    "DE": r"\d{5}",
    "DK": r"\d{4}",
    "ES": r"\d{5}",
    "FR": r"\d{5}",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}",
    "IT": r"\d{5}",
    "NL": r"\d{4} [A-Z]{2}",
    "PL": r"\d{2}-\d{3}",
    "PT": r"\d{4}-\d{3}",
    "SE": r"\d{3} \d{2}",
    "US": r"\d{5}(-\d{4})?",
}
_ANY_POSTCODE = r"[A-Z0-9][A-Z0-9 -]{1,11}"

# Where the parts go that people write together: (length without spaces, place of the space).
_SPACED = {"NL": (6, 4), "SE": (5, 3)}


def normal_email(value: str) -> str:
    """The address with its domain in lower case. Raises `ValueError` with a sentence for people."""
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from None


def normal_phone(value: str, country: str | None) -> str:
    """The number as E.164 (`+31201234567`); a national one needs the customer's country."""
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        raise ValueError(
            "is not a phone number; write it with its country code, such as +31201234567"
        ) from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("is not a possible phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normal_postcode(value: str, country: str | None) -> str:
    """The postcode in capitals and with its space where the country writes one."""
    postcode = " ".join(value.upper().split())
    if country in _SPACED:
        length, place = _SPACED[country]
        together = postcode.replace(" ", "")
        if len(together) == length:
            postcode = f"{together[:place]} {together[place:]}"
    if country == "GB":
        together = postcode.replace(" ", "")
        postcode = f"{together[:-3]} {together[-3:]}"
    if not _postcode(country).fullmatch(postcode):
        raise ValueError(f"is not a postcode{f' of {country}' if country in _POSTCODES else ''}")
    return postcode


@cache
def _postcode(country: str | None) -> re.Pattern[str]:
    return re.compile(_POSTCODES.get(country or "", _ANY_POSTCODE))
