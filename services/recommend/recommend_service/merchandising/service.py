"""The verbs of the shop's rules. Every process learns of a change by the journal."""

from datetime import datetime
from typing import Any

import uuid_utils.compat as uuids
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_http import PageQuery, fetch_page
from recommend_service.errors import RuleExists, RuleNotFound
from recommend_service.facts.projection import write_journal
from recommend_service.merchandising.models import MerchandisingRule

FACTORS = {"boost": 2.0, "bury": 0.5}


async def make_rule(
    session: AsyncSession, told: dict[str, Any], now: datetime
) -> MerchandisingRule:
    """Make a rule. Raises `RuleExists`."""
    rule_id = told["rule_id"] or str(uuids.uuid7())
    values = told | {"rule_id": rule_id, "made_at": now, "version": 1}
    values["factor"] = told["factor"] or FACTORS.get(told["action"])
    made: MerchandisingRule | None = await session.scalar(
        insert(MerchandisingRule)
        .values(values)
        .on_conflict_do_nothing()
        .returning(MerchandisingRule)
    )
    if made is None:
        raise RuleExists(rule_id)
    await write_journal(session, {"shop": [rule_id]})
    return made


async def get_rule(session: AsyncSession, rule_id: str) -> MerchandisingRule:
    """Raises `RuleNotFound`."""
    found = await session.get(MerchandisingRule, rule_id)
    if found is None:
        raise RuleNotFound(rule_id)
    return found


async def list_rules(
    session: AsyncSession, query: Any
) -> tuple[list[MerchandisingRule], str | None]:
    statement = select(MerchandisingRule)
    if query.sku is not None:
        statement = statement.where(MerchandisingRule.sku == query.sku)
    keyset = (MerchandisingRule.made_at, MerchandisingRule.rule_id)
    page: PageQuery = query
    return await fetch_page(session, statement, keyset, page)


async def delete_rule(session: AsyncSession, rule_id: str) -> None:
    """Raises `RuleNotFound`."""
    gone = await session.scalar(
        delete(MerchandisingRule)
        .where(MerchandisingRule.rule_id == rule_id)
        .returning(MerchandisingRule.rule_id)
    )
    if gone is None:
        raise RuleNotFound(rule_id)
    await write_journal(session, {"shop": [rule_id]})
