"""Minor units of currencies, and money as a person reads it."""

from decimal import Decimal
from typing import Any

DECIMALS = dict.fromkeys(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ],
    0,
)
DECIMALS |= dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)
"""Decimal places of the currencies that do not have two (ISO 4217)."""


def decimals_of(currency: str) -> int:
    return DECIMALS.get(currency, 2)


def readable(amount: int, currency: str) -> str:
    """Minor units as `1,234.50 EUR`."""
    places = decimals_of(currency)
    return f"{Decimal(amount).scaleb(-places):,.{places}f} {currency}"


def minor_units(value: Any) -> int | None:
    """The amount of a money object, or of a bare number of minor units."""
    amount = value.get("amount") if isinstance(value, dict) else value
    return amount if isinstance(amount, int) else None
