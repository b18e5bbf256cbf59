"""API keys as they were issued; the keys themselves are nowhere."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from perennial_events import Event
from perennial_events.catalogue import KeyCreated, KeyRevoked
from profile_service.db import Base


class IssuedKey(Base):
    """Who was given a key, and for what. Each service learns of it by event."""

    __tablename__ = "issued_keys"

    key_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    def create(self, sha256: str) -> list[Event]:
        return [KeyCreated(key_id=self.key_id, sha256=sha256, scopes=self.scopes)]

    def revoke(self, at: datetime) -> list[Event]:
        """End the key's life; a second time changes nothing."""
        if self.revoked_at is not None:
            return []
        self.revoked_at = at
        return [KeyRevoked(key_id=self.key_id)]
