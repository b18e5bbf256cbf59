"""What this process knows of the shop: products and people by number, and the models over them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from perennial_events.identities import ANONYMOUS, anonymous
from recommend_service.strategies import content, repeat, trending
from recommend_service.strategies.offers import Goods, Models, Question
from recommend_service.strategies.reactivate import AWAY, Comebacks
from recommend_service.strategies.scored import Ints, reaching
from recommend_service.strategies.visits import empty_orders, empty_sessions

PAUSE = 30 * 60.0
"""A visitor's session ends when nothing was viewed for so many seconds."""

TEACHES = 40
"""A session teaches with so many of its products at most: one who views hundreds, a machine perhaps,
gets answers of their own, and does not bend those of others."""

VISITS, ORDERS = 5, 100
"""Of each person so many of the latest sessions and orders are looked at."""


class Told(NamedTuple):
    """An order as the projection has it."""

    order_id: str
    customer_id: str
    skus: Sequence[str] | None
    at: float | None
    cancelled: bool


class Numbers:
    """Numbers for names, in the order in which these are met."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.names)

    def of(self, name: str) -> int:
        """The name's number; a new name gets the next."""
        number = self._numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number

    def known(self, names: Iterable[str]) -> Ints:
        """The numbers of those that have one."""
        found = (self._numbers.get(name) for name in names)
        return np.array([number for number in found if number is not None], np.int32)

    def get(self, name: str) -> int | None:
        return self._numbers.get(name)


class Memory:
    """Applies facts one by one; each of them as often as it is told, and with the same end."""

    def __init__(self, support: int) -> None:
        self.skus, self.people, self.categories = Numbers(), Numbers(), Numbers()
        self.models = Models(
            sessions=empty_sessions(),
            orders=empty_orders(),
            trend=trending.Trend(),
            comebacks=Comebacks(),
            goods=Goods(),
            support=support,
        )
        self.unavailable = np.zeros(64, bool)
        self.rejected: dict[int, frozenset[int]] = {}
        self.customer_of: dict[int, int] = {}
        self.identities_of: dict[int, set[int]] = {}
        self.erased: set[int] = set()
        self._rows_of: dict[str, tuple[int, ...]] = {}

    # What is told

    def view(self, who: str, sku: str, at: float, *, added: bool, now: float) -> None:
        """Somebody viewed a product, or put it in a cart. A time to come counts as now."""
        at = min(at, now)
        person, item, sessions = self.people.of(who), self.skus.of(sku), self.models.sessions
        visit = next(sessions.of_owner(person, 1), None)
        if visit is None or abs(at - sessions.at[visit]) > PAUSE:
            visit = sessions.open(person, at)
        sessions.touch(visit, at)
        teaches = sessions.size[visit] < TEACHES
        points = trending.ADD_POINTS if added else trending.VIEW_POINTS
        if sessions.holds(visit, item):
            sessions.again(visit, item)
            # Looking again and again makes no trend; putting into the cart may come after the look.
            teaches = teaches and added
        else:
            sessions.add(visit, item, teach=bool(teaches))
        if teaches:
            self.models.trend.add(item, points, at)

    def order(self, told: Told, now: float) -> None:
        """An order, or what became of it. One that was called off is as if it had not been."""
        rows = self._rows_of.get(told.order_id)
        if told.cancelled:
            if rows:
                self._forget_order(told.order_id, rows)
        elif rows is None and told.skus and told.at is not None:
            self._take_order(told.order_id, told.customer_id, told.skus, min(told.at, now))

    def _take_order(self, order_id: str, customer_id: str, skus: Sequence[str], at: float) -> None:
        person, orders = self.people.of(customer_id), self.models.orders
        items = np.array([self.skus.of(sku) for sku in skus], np.int32)
        before = next(orders.of_owner(person, 1), None)
        if before is not None and at - orders.at[before] >= AWAY:
            self.models.comebacks.add(person, at, orders.held(before), items[: orders.length])
        rows = []
        for start in range(0, len(items), orders.length):
            rows.append(orders.open(person, at))
            for item in items[start : start + orders.length].tolist():
                orders.add(rows[-1], item)
        self._rows_of[order_id] = tuple(rows)
        if len(self._rows_of) > orders.capacity:
            del self._rows_of[next(iter(self._rows_of))]
        points, times = np.full(len(items), trending.ORDER_POINTS), np.full(len(items), at)
        self.models.trend.add_all(items, points, times)

    def _forget_order(self, order_id: str, rows: Sequence[int]) -> None:
        orders = self.models.orders
        for row in rows:
            items = orders.held(row).copy()
            points = np.full(len(items), -trending.ORDER_POINTS)
            self.models.trend.add_all(items, points, np.full(len(items), orders.at[row]))
            orders.forget(row)
        self._rows_of[order_id] = ()

    def remember_rows(self, order_ids: Sequence[str]) -> None:
        """The orders that were loaded at once, each in the row of its place."""
        self._rows_of.update((order_id, (row,)) for row, order_id in enumerate(order_ids))

    def alias(self, who: str, customer_id: str | None) -> None:
        """This identity is that customer's, and nobody else's any more: an anonymous visitor, or a
        customer who turned out to be another. Without a customer it is its own."""
        identity = self.people.of(who)
        before = self.customer_of.pop(identity, None)
        if before is not None:
            self.identities_of[before].discard(identity)
        if customer_id is not None:
            customer = self.people.of(customer_id)
            self.customer_of[identity] = customer
            self.identities_of.setdefault(customer, set()).add(identity)

    def erase(self, customer_ids: Iterable[str]) -> None:
        """These customers are nobody from now on, and so are the visits that were theirs. What they
        did goes on to teach about products, as it stays in the log, but no answer starts from it."""
        self.erased.update(self.people.of(id) for id in customer_ids)

    def reject(self, customer_id: str, skus: Iterable[str]) -> None:
        """All that this customer gave back or complained of."""
        self.rejected[self.people.of(customer_id)] = frozenset(self.skus.of(sku) for sku in skus)

    def describe(
        self,
        sku: str,
        *,
        available: bool,
        name: str | None,
        category: str | None,
        price: int | None,
        runs_out_days: int | None,
        described_at: float | None,
        now: float,
    ) -> None:
        """A product as it is from now on."""
        item, goods = self.skus.of(sku), self.models.goods
        self.unavailable = reaching(self.unavailable, item, 0)
        self.unavailable[item] = not available
        goods.category = reaching(goods.category, item, -1)
        goods.price = reaching(goods.price, item, np.nan)
        goods.runs_out = reaching(goods.runs_out, item, np.nan)
        goods.category[item] = -1 if category is None else self.categories.of(category)
        goods.price[item] = np.nan if price is None else price
        goods.runs_out[item] = np.nan if runs_out_days is None else runs_out_days * repeat.DAY
        is_new = described_at is not None and now - described_at < content.NEW_FOR
        goods.describe(item, content.words_of(name, category), described_at if is_new else None)

    # What is asked

    def customer(self, customer_id: str | None, anonymous_id: str | None) -> str | None:
        """Who asks: the customer named, or whoever the anonymous visitor turned out to be; nobody
        where that one was erased."""
        named = customer_id
        if named is None and anonymous_id is not None:
            named = anonymous(anonymous_id)
        number = None if named is None else self.people.get(named)
        if number is None:
            return customer_id
        survivor = self.customer_of.get(number, number)
        name = self.people.names[survivor]
        return None if survivor in self.erased or name.startswith(ANONYMOUS) else name

    def question(
        self, customer_id: str | None, anonymous_id: str | None, skus: Sequence[str], now: float
    ) -> Question:
        """What is known of the visitor, under all identities that are theirs."""
        people = self.identities(customer_id, anonymous_id)
        return Question(
            now=now,
            seeds=self.skus.known(dict.fromkeys(skus)),
            session=self._viewed(people),
            purchases=self.purchases(people),
        )

    def identities(self, customer_id: str | None, anonymous_id: str | None) -> list[int]:
        found: list[int] = []
        named = self.customer(customer_id, anonymous_id)
        customer = None if named is None else self.people.get(named)
        if customer is not None:
            found = [customer, *sorted(self.identities_of.get(customer, ()))]
        if anonymous_id is not None:
            device = self.people.get(anonymous(anonymous_id))
            if device is not None and device not in found:
                found.append(device)
        return [each for each in found if self.customer_of.get(each, each) not in self.erased]

    def _viewed(self, people: Sequence[int]) -> Ints:
        sessions = self.models.sessions
        visits = {visit for who in people for visit in sessions.of_owner(who, VISITS)}
        ordered = sorted(visits, key=lambda visit: float(sessions.at[visit]))
        if not ordered:
            return np.empty(0, np.int32)
        return np.concatenate([sessions.held(visit) for visit in ordered])

    def purchases(self, people: Sequence[int]) -> repeat.Purchases:
        """What they bought, the oldest order first."""
        orders = self.models.orders
        rows = {row for who in people for row in orders.of_owner(who, ORDERS)}
        kept = sorted((row for row in rows if orders.size[row]), key=lambda row: orders.at[row])
        held = [orders.held(row) for row in kept]
        if not held:
            return repeat.Purchases(np.empty(0, np.int32), np.empty(0), np.empty(0, np.int32))
        sizes = [len(each) for each in held]
        return repeat.Purchases(
            np.concatenate(held),
            np.repeat(orders.at[kept], sizes),
            np.repeat(np.arange(len(kept), dtype=np.int32), sizes),
        )

    def never(self, people: Sequence[int], question: Question) -> Ints:
        """What must not be offered: what is asked about, looked at right now, given back, complained
        of, or just bought."""
        since = question.since_bought(self.models)
        rejected = {item for who in people for item in self.rejected.get(who, ())}
        return np.concatenate(
            [
                question.seeds,
                question.session[-1:],
                since.items[~since.due],
                np.array(sorted(rejected), np.int32),
            ]
        )
