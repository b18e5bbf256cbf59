"""The verbs of gift cards."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.errors import UnknownGiftCard, UnknownGiftCardInOrder
from orders_service.gift_cards import rules
from orders_service.gift_cards.models import EntryKind, GiftCard, GiftCardEntry
from perennial_events import emit


class Use(NamedTuple):
    """An order's wish to take `amount` from the card of this code, the `place`th that it names."""

    order_id: str
    customer_id: str
    currency: str
    place: int
    code: str
    amount: int
    at: datetime


class Refund(NamedTuple):
    """What goes back to the cards that an order was paid with, for one of its returns or for all."""

    order_id: str
    customer_id: str
    amount: int
    at: datetime
    return_id: str | None = None


def new_code() -> str:
    """A code that nobody can guess."""
    characters = (secrets.choice(rules.ALPHABET) for _ in range(rules.RANDOM_CHARACTERS))
    return rules.with_check_digit("".join(characters))


async def issue(session: AsyncSession, card: GiftCard) -> GiftCard:
    session.add(card)
    await session.flush()
    session.add(_entry(card, card.issued_at, "issued", card.amount))
    emit(session, *card.issue(), at=card.issued_at)
    return card


async def find_card(session: AsyncSession, id_or_code: str) -> GiftCard:
    """The card of this id or of this code. Raises `UnknownGiftCard`."""
    try:
        wanted = GiftCard.code_sha256 == rules.code_hash(rules.read_code(id_or_code))
    except ValueError:
        wanted = GiftCard.gift_card_id == id_or_code
    card = await session.scalar(select(GiftCard).where(wanted))
    if card is None:
        raise UnknownGiftCard
    return card


async def ledger_of(session: AsyncSession, gift_card_id: str) -> Sequence[GiftCardEntry]:
    """All that came onto a card and went from it, oldest first."""
    rows = await session.scalars(
        select(GiftCardEntry)
        .where(GiftCardEntry.gift_card_id == gift_card_id)
        .order_by(GiftCardEntry.entry_id)
    )
    return rows.all()


async def redeem(session: AsyncSession, uses: Sequence[Use], *, imported: bool = False) -> None:
    """Take from cards what orders use of them: all of it, or an error.

    The orders stand already: whoever needs an order's row and a card's locks the order first. Raises
    `UnknownGiftCardInOrder`, `OtherCurrency`, `GiftCardExpired` or `GiftCardTooSmall`.
    """
    if not uses:
        return
    hashes = {use.code: rules.code_hash(use.code) for use in uses}
    cards = {
        card.code_sha256: card
        for card in await _lock(session, GiftCard.code_sha256.in_(hashes.values()))
    }
    for use in uses:
        card = cards.get(hashes[use.code])
        if card is None:
            raise UnknownGiftCardInOrder(use.place)
        told = card.redeem(use.order_id, use.customer_id, use.currency, use.amount, use.at)
        session.add(_entry(card, use.at, "redeemed", -use.amount, use.order_id))
        emit(session, *told, at=use.at, imported=imported)


async def refund(
    session: AsyncSession, refunds: Sequence[Refund], *, imported: bool = False
) -> None:
    """Bring money back to the cards that it came from. The orders' rows are locked."""
    wanted = [each for each in refunds if each.amount]
    if not wanted:
        return
    spent = await _spent(session, {each.order_id for each in wanted})
    ids = {each.gift_card_id for of_order in spent.values() for each in of_order}
    cards = {c.gift_card_id: c for c in await _lock(session, GiftCard.gift_card_id.in_(ids))}
    for each in wanted:
        parts = dict(rules.give_back(spent[each.order_id], each.amount))
        spent[each.order_id] = [
            s._replace(refunded=s.refunded + parts.get(s.gift_card_id, 0))
            for s in spent[each.order_id]
        ]
        for gift_card_id, part in parts.items():
            card = cards[gift_card_id]
            told = card.refund(each.order_id, each.customer_id, part, each.at)
            session.add(_entry(card, each.at, "refunded", part, each.order_id, each.return_id))
            emit(session, *told, at=each.at, imported=imported)


async def _lock(session: AsyncSession, which: ColumnElement[bool]) -> Sequence[GiftCard]:
    # In one order, so that two orders with the same two cards never wait for each other in a ring.
    rows = await session.scalars(
        select(GiftCard)
        .where(which)
        .order_by(GiftCard.gift_card_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return rows.all()


async def _spent(
    session: AsyncSession, order_ids: Collection[str]
) -> dict[str | None, list[rules.Spent]]:
    """What each order took from which card, in the order in which it named them."""
    entry = GiftCardEntry
    rows = await session.execute(
        select(
            entry.order_id,
            entry.gift_card_id,
            -func.sum(entry.amount).filter(entry.kind == "redeemed"),
            func.coalesce(func.sum(entry.amount).filter(entry.kind == "refunded"), 0),
        )
        .where(entry.order_id.in_(order_ids))
        .group_by(entry.order_id, entry.gift_card_id)
        .order_by(entry.order_id, func.min(entry.entry_id))
    )
    found: dict[str | None, list[rules.Spent]] = {}
    for order_id, gift_card_id, amount, refunded in rows:
        found.setdefault(order_id, []).append(rules.Spent(gift_card_id, int(amount), int(refunded)))
    return found


def _entry(
    card: GiftCard,
    at: datetime,
    kind: EntryKind,
    amount: int,
    order_id: str | None = None,
    return_id: str | None = None,
) -> GiftCardEntry:
    return GiftCardEntry(
        gift_card_id=card.gift_card_id,
        at=at,
        kind=kind,
        amount=amount,
        balance=card.balance,
        order_id=order_id,
        return_id=return_id,
    )
