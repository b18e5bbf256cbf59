"""The mapped classes' base."""

from sqlalchemy.orm import DeclarativeBase

from perennial_events.mapped import COLUMN_TYPES


class Base(DeclarativeBase):
    type_annotation_map = COLUMN_TYPES
