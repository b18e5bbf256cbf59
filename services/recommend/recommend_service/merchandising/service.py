"""The verbs of the shop's rules. Every process learns of a change by the journal."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_http import PageQuery, check_if_match, fetch_page
from recommend_service.errors import RuleNotFound
from recommend_service.facts.projection import write_journal
from recommend_service.merchandising.models import MerchandisingRule

FACTORS = {"boost": 2.0, "bury": 0.5}


async def put_rule(
    session: AsyncSession, rule_id: str, told: dict[str, Any], now: datetime, if_match: str | None
) -> MerchandisingRule:
    """Make the rule, or change it. Raises `PreconditionFailed`."""
    rule = await session.get(MerchandisingRule, rule_id, with_for_update=True)
    if rule is None:
        check_if_match(if_match, 0)
        rule = MerchandisingRule(rule_id=rule_id, made_at=now, version=0)
        session.add(rule)
    else:
        check_if_match(if_match, rule.version)
    for name, value in told.items():
        setattr(rule, name, value)
    rule.factor = told["factor"] or FACTORS.get(told["action"])
    rule.version += 1
    await session.flush()
    await write_journal(session, {"shop": [rule_id]})
    return rule


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
    if query.value is not None:
        statement = statement.where(MerchandisingRule.value == query.value)
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
