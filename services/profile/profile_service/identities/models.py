"""A merge of two customers, and an identity that somebody told us."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from perennial_events import Event
from perennial_events.catalogue import CustomersMerged, MergeUndone
from profile_service.db import Base
from profile_service.errors import MergeUndoneBefore


class Merge(Base):
    """`customer_id` is `into_id` from `merged_at` on, until `undone_at`. Neither's own row changes."""

    __tablename__ = "merges"

    merge_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    into_id: Mapped[str]
    merged_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]

    def merge(self) -> list[Event]:
        return [
            CustomersMerged(
                merge_id=self.merge_id, customer_id=self.customer_id, into_id=self.into_id
            )
        ]

    def undo(self, at: datetime) -> list[Event]:
        """Raises `MergeUndoneBefore`."""
        if self.undone_at is not None:
            raise MergeUndoneBefore(self.merge_id)
        self.undone_at = at
        return [
            MergeUndone(merge_id=self.merge_id, customer_id=self.customer_id, into_id=self.into_id)
        ]


class Identity(Base):
    """What else a customer is known by, such as a second address or the number of a loyalty card.

    Personal data: it is in no event. Anonymous ids are not here, but among the projection's aliases.
    """

    __tablename__ = "identities"

    identity_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    value: Mapped[str]
    customer_id: Mapped[str]
    """As it was named, also where that customer was merged since."""
    added_at: Mapped[datetime]
