"""Segments and their members, as they are listed."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from perennial_events import Event
from perennial_events.catalogue import SegmentDefined, SegmentRemoved
from profile_service.db import Base

Status = Literal["computing", "ready", "removing"]
"""`computing`: its members are still those of the rule before."""


class Segment(Base):
    """A rule with a name. One that is `removing` is gone for everybody but its last members."""

    __tablename__ = "segments"

    segment_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    rule: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[Status]
    asked: Mapped[int]
    """How often its members had to be computed anew: a computation for an older question does not count."""
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    def define(self, name: str, rule: dict[str, Any], now: datetime) -> list[Event]:
        """Take over name and rule. A rule that is another one is to be computed anew, and is told."""
        changed = self.rule != rule or self.status == "removing"
        if not changed and self.name == name:
            return []
        self.name, self.rule, self.updated_at = name, rule, now
        self.version += 1
        if not changed:
            return []
        self.compute()
        return [SegmentDefined(segment_id=self.segment_id, version=self.version)]

    def compute(self) -> None:
        """Have the worker compare everybody with the rule."""
        self.status = "computing"
        self.asked += 1

    def remove(self) -> list[Event]:
        """Give the segment up; its members leave it as soon as the worker comes to it."""
        self.status = "removing"
        self.version += 1
        return [SegmentRemoved(segment_id=self.segment_id)]


class SegmentMember(Base):
    __tablename__ = "segment_members"

    segment_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
