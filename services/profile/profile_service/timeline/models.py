"""The timeline's table; the projection `customer_state` fills it."""

from sqlalchemy import JSON, Column, DateTime, MetaData, Table, Text, Uuid

TIMELINE = Table(
    "timeline",
    MetaData(),
    Column("identity", Text, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("type", Text, nullable=False),
    Column("data", JSON, nullable=False),
)
