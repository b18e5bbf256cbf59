"""Partners as they are configured: stored, sealed, compiled."""

from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import driver
from perennial_http import Invalid, NotFound
from perennial_webhooks.adapters import Adapter, adapters_of
from perennial_webhooks.mapping import PartnerMapping, compile_mapping
from perennial_webhooks.partners.commands import Commands
from perennial_webhooks.sealing import NoSecretKey, Sealer
from perennial_webhooks.verification import Verification

NATIVE = "perennial"
"""The adapter of partners that speak our own language: `{"type": <command>, "data": {…}}`."""

_SELECT = """
    SELECT partner, adapter, mapping, CAST(verification AS text) AS verification, secret, changed_at, version
    FROM partners WHERE partner = :partner
"""
_STORE = """
    INSERT INTO partners (partner, adapter, mapping, verification, secret, changed_at, version)
    VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, 1)
    ON CONFLICT (partner) DO UPDATE SET
        adapter = excluded.adapter, mapping = excluded.mapping,
        verification = excluded.verification, secret = excluded.secret,
        changed_at = excluded.changed_at, version = partners.version + 1
"""


class UnknownPartner(NotFound):
    def __init__(self, partner: str) -> None:
        super().__init__(f"There is no partner {partner} in this service.")


class Partner(NamedTuple):
    """One partner's configuration as it is stored."""

    partner: str
    adapter: str | None
    mapping: str | None
    verification: str
    """Without its secret, as JSON."""
    secret: bytes
    """Sealed."""
    changed_at: datetime
    version: int

    def shown(self) -> dict[str, Any]:
        """As the API shows it. The secret is never shown again."""
        mapping = None if self.mapping is None else from_json(self.mapping)
        return {
            "partner": self.partner,
            "adapter": self.adapter,
            "mapping": mapping,
            "verification": from_json(self.verification),
            "changed_at": self.changed_at,
        }


class Registry:
    """The partners of one service: what they may ask for, and in which languages."""

    def __init__(self, service: str, commands: Commands, sealer: Sealer) -> None:
        self.commands = commands
        self.adapters = adapters_of(service)
        self._sealer = sealer
        native = {name: [{"command": name, "fields": "$.data"}] for name in commands}
        mapping = to_json({"event": "$.type", "on": native}).decode()
        self.adapters[NATIVE] = Adapter(NATIVE, service, "our own commands", {}, mapping)

    def adapter(self, name: str) -> Adapter:
        """Raises `Invalid` for one that does not speak to this service."""
        found = self.adapters.get(name)
        if found is None:
            known = ", ".join(sorted(self.adapters))
            raise Invalid.field("/adapter", f"is not one of those of this service: {known}")
        return found

    def verification(self, partner: Partner) -> Verification | None:
        """How it proves itself; None where its secret cannot be opened."""
        try:
            secret = self._sealer.open(partner.secret)
        except NoSecretKey:
            return None
        return Verification.model_validate({**from_json(partner.verification), "secret": secret})

    def mapping(self, partner: Partner) -> PartnerMapping:
        text_ = partner.mapping or self.adapter(partner.adapter or NATIVE).mapping
        return compile_mapping(text_)

    async def find(self, session: AsyncSession, partner: str) -> Partner | None:
        # Through SQLAlchemy, whose first statement begins the transaction: one round trip for both.
        row = (await session.execute(text(_SELECT), {"partner": partner})).one_or_none()
        return None if row is None else Partner(*row)

    async def get(self, session: AsyncSession, partner: str, *, lock: bool = False) -> Partner:
        """Raises `UnknownPartner`."""
        statement = text(_SELECT + (" FOR UPDATE" if lock else ""))
        row = (await session.execute(statement, {"partner": partner})).one_or_none()
        if row is None:
            raise UnknownPartner(partner)
        return Partner(*row)

    async def store(
        self,
        session: AsyncSession,
        partner: str,
        verification: Verification,
        adapter: str | None,
        mapping: dict[str, Any] | None,
        now: datetime,
    ) -> Partner:
        """Make a partner known, or change it. Raises `NoSecretKey`."""
        defaults = {} if adapter is None else self.adapter(adapter).verification
        # What the partner is known to do, unless this one does it differently.
        if verification.scheme == defaults.get("scheme"):
            given = verification.model_dump(exclude_none=True)
            verification = Verification.model_validate({**defaults, **given})
        await (await driver(session)).execute(
            _STORE,
            partner,
            adapter,
            None if mapping is None else to_json(mapping).decode(),
            verification.model_dump_json(exclude={"secret"}, exclude_none=True),
            self._sealer.seal(verification.secret),
            now,
        )
        return await self.get(session, partner)


async def forget(session: AsyncSession, partner: str) -> None:
    """End a partnership: what it sent and was not applied goes with it."""
    for table in ("partners", "partner_parked"):
        await session.execute(
            text(f"DELETE FROM {table} WHERE partner = :partner"),  # noqa: S608 - ours
            {"partner": partner},
        )
