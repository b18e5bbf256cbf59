"""A consent: one thing that a customer said about one channel and one purpose."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from perennial_events import Event
from perennial_events.catalogue import ConsentChanged
from profile_service.db import Base

Channel = Literal["email", "sms", "push", "post", "phone", "web"]
Purpose = Literal["marketing", "service", "analytics"]
Status = Literal["granted", "withdrawn"]


class Consent(Base):
    """What was said last, or once. Rows are only added; of one id the highest version holds."""

    __tablename__ = "consents"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    """As it was named, also where that customer was merged since."""
    channel: Mapped[Channel] = mapped_column(primary_key=True)
    purpose: Mapped[Purpose] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[Status]
    source: Mapped[str]
    """Where the customer said so; a code."""
    proof: Mapped[Any] = mapped_column(JSONB(none_as_null=True))
    """What shows it, such as the form's wording and the address that it came from. Personal data."""
    at: Mapped[datetime]

    def say(self, said: "Said") -> list[Event]:
        """Follow what was said before; told where that changes what is allowed."""
        own = (each.version for each in said.last if each.customer_id == self.customer_id)
        self.version = next(own, 0) + 1
        before = said.holds
        if before is not None and before.status == self.status:
            return []
        return [
            ConsentChanged(
                customer_id=self.customer_id,
                channel=self.channel,
                purpose=self.purpose,
                status=self.status,
                previous=before.status if before else None,
                source=self.source,
            )
        ]

    def repeats(self, before: "Consent | None") -> bool:
        """Whether this says nothing that was not said before."""
        return before is not None and (self.status, self.source, self.proof) == (
            before.status,
            before.source,
            before.proof,
        )


class Said(NamedTuple):
    """What a customer said last about one channel and purpose, under each of the ids they go by."""

    last: Sequence[Consent]

    @property
    def holds(self) -> Consent | None:
        """The latest word, whichever id it was said under; of two at one time, the withdrawal."""
        return max(
            self.last,
            key=lambda each: (each.at, each.status == "withdrawn", each.customer_id),
            default=None,
        )

    @property
    def version(self) -> int:
        """How often they said anything about it."""
        return sum(each.version for each in self.last)
