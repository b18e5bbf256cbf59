"""Value types against independent lists: the zones of the system, the currencies of Babel's CLDR by count."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from perennial_http import Body, Country, Currency, Language, Time, Zone, decimals
from perennial_http.codes import COUNTRIES, CURRENCY_DECIMALS


class Values(Body):
    currency: Currency | None = None
    country: Country | None = None
    language: Language | None = None
    zone: Zone | None = None
    at: Time | None = None


@pytest.mark.parametrize(
    "fields",
    [
        {"currency": "EUR"}, {"currency": "KWD"}, {"country": "DE"}, {"language": "de"},
        {"language": "zh-Hant-TW"}, {"language": "es-419"}, {"language": "sl-rozaj"}, {"language": "de-CH-1996"},
        {"zone": "Europe/Berlin"}, {"zone": "UTC"},
    ],
)  # fmt: skip
def test_right(fields: dict[str, str]) -> None:
    assert Values.model_validate(fields).model_dump(exclude_none=True) == fields


@pytest.mark.parametrize(
    "fields",
    [
        {"currency": "XAU"}, {"currency": "DEM"}, {"currency": "EUR\n"}, {"country": "UK"}, {"country": "de"},
        {"language": "german"}, {"language": "de_DE"}, {"language": ""}, {"language": "-"},
        {"zone": "Mars/Olympus"}, {"zone": "/etc/passwd"}, {"zone": ""},
    ],
)  # fmt: skip
def test_wrong(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Values.model_validate(fields)


def test_decimals() -> None:
    assert [decimals(code) for code in ("JPY", "EUR", "KWD", "CLF")] == [0, 2, 3, 4]
    assert (len(CURRENCY_DECIMALS), len(COUNTRIES)) == (164, 249)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01t12:00:00.5+02:00", datetime(2026, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-03-01T12:00:00.123456789z", datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_rfc_3339_and_kept_in_utc(written: str, meant: datetime) -> None:
    read = Values.model_validate_json(f'{{"at":"{written}"}}').at
    assert read == meant
    assert read is not None
    assert read.tzinfo is UTC
    assert TypeAdapter(Time).dump_json(read).endswith(b'Z"')
