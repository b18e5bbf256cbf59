"""The value types that events and HTTP bodies share: identifiers, codes, money, aware times."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

# The pattern engine has no look-around, and `$` anchors at the very end (a newline does not slip by).
ID_PATTERN = r"^[A-Za-z0-9._:-]{1,64}$"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""An identifier chosen by the caller or made by us: 1 to 64 of `A-Z a-z 0-9 . _ : -`."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/&+-]{0,63}$")]
"""A short value from a list that somebody keeps (a channel, a category of clicks), never prose."""

CatalogueText = Annotated[str, StringConstraints(pattern=r"^[^\x00]{1,200}$")]
"""Text about the shop's goods, such as a product's name. The only text that an event may carry."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""

MAX_AMOUNT = 10**15
"""Upper bound of one amount in minor units; sums of a million of these still fit into 64 bits."""

Amount = Annotated[int, Field(ge=0, le=MAX_AMOUNT, strict=True)]
"""Minor units of the currency that stands beside it (cents, yen, thousandths of a dinar)."""

Quantity = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside of the years 1 to 9999 in UTC") from None


Time = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An instant; written as RFC 3339 in UTC with `Z`."""


class Value(BaseModel):
    """An immutable value. Unknown fields are ignored: readers of events are tolerant."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def utc_now() -> datetime:
    """The clock of production; everything that needs the time takes one like it."""
    return datetime.now(UTC)
