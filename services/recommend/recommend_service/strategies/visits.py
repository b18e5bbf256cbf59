"""Visits: which products were viewed in one session, or bought in one order, by whom and when."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommend_service.strategies.scored import NO_ITEM, Floats, Ints, reaching


class Postings(NamedTuple):
    """Visits that hold one of several products, the first one's first: which of them, and the visit."""

    which: NDArray[np.int64]
    visits: Ints


class Visits:
    """The newest visits in arrays of a bounded size, and for each product the newest that held it.

    The posting lists are those of VMIS-kNN (Kersbergen, Sprangers & Schelter, "Serenade", SIGMOD
    2022): a product's row is a ring of its `postings` newest visits, so that learning one event costs
    a few assignments and asking costs the same however long the history is. A visit holds its
    `length` latest products. Beyond `capacity` visits the oldest give way.

    A posting may point to a visit that has given way, or was forgotten: whoever follows one looks
    whether the visit still holds the product (`of_items`).
    """

    def __init__(self, *, capacity: int, postings: int, length: int) -> None:
        self.capacity = capacity
        self.length = length
        self._postings = np.full((64, postings), NO_ITEM, np.int32)
        self._posted = np.zeros(64, np.int32)
        self._counts = np.zeros(64, np.int32)
        self.items = np.full((64, length), NO_ITEM, np.int32)
        self.size = np.zeros(64, np.int32)
        self.at = np.zeros(64)
        self.owner = np.full(64, NO_ITEM, np.int32)
        self._before = np.full(64, NO_ITEM, np.int32)
        self._last_of_owner = np.full(64, NO_ITEM, np.int32)
        self.opened = 0
        """How many visits there were in all; those beyond the capacity gave way."""
        self._forgotten = 0

    def __len__(self) -> int:
        return min(self.opened, self.capacity)

    @property
    def taught(self) -> int:
        """Of how many visits the counts are."""
        return int(self.opened - self._forgotten)

    def counts(self, items: Ints) -> Ints:
        """In how many visits each of the products was, of all that were not forgotten."""
        known = items < len(self._counts)
        found = np.zeros(len(items), np.int32)
        found[known] = self._counts[items[known]]
        return found

    def open(self, owner: int, at: float) -> int:
        """Begin a visit of this owner; return its number."""
        visit = self.opened % self.capacity
        if visit >= len(self.size):
            self._grow(visit)
        self._last_of_owner = reaching(self._last_of_owner, owner, NO_ITEM)
        self.items[visit] = NO_ITEM
        self.size[visit] = 0
        self.at[visit] = at
        self.owner[visit] = owner
        self._before[visit] = self._last_of_owner[owner]
        self._last_of_owner[owner] = visit
        self.opened += 1
        return visit

    def add(self, visit: int, item: int, *, teach: bool = True) -> None:
        """Put a product into a visit; `teach`: and let what others see follow from it."""
        self.items[visit, self.size[visit] % self.length] = item
        self.size[visit] += 1
        if teach:
            if item >= len(self._posted):
                self._posted = reaching(self._posted, item, 0)
                self._counts = reaching(self._counts, item, 0)
                self._postings = reaching(self._postings, item, NO_ITEM)
            self._postings[item, self._posted[item] % self._postings.shape[1]] = visit
            self._posted[item] += 1
            self._counts[item] += 1

    def touch(self, visit: int, at: float) -> None:
        """The visit went on at this time."""
        self.at[visit] = max(self.at[visit], at)

    def again(self, visit: int, item: int) -> None:
        """The visit came back to a product that it holds: that is its latest now."""
        held = self.held(visit)
        self.items[visit, : len(held)] = np.append(held[held != item], item)
        self.size[visit] = len(held)

    def holds(self, visit: int, item: int) -> bool:
        return bool((self.items[visit] == item).any())

    def held(self, visit: int) -> Ints:
        """The visit's products, the oldest first."""
        size = int(self.size[visit])
        row = self.items[visit]
        if size <= self.length:
            return np.asarray(row[:size], np.int32)
        return np.asarray(np.roll(row, -(size % self.length)), np.int32)

    def forget(self, visit: int) -> None:
        """Take the visit out, as if it had not been."""
        held = self.items[visit]
        np.subtract.at(self._counts, held[held >= 0], 1)
        self.items[visit] = NO_ITEM
        self.size[visit] = 0
        self._forgotten += 1

    def of_owner(self, owner: int, most: int) -> Iterator[int]:
        """The owner's visits, the one that was opened last first."""
        visit = int(self._last_of_owner[owner]) if 0 <= owner < len(self._last_of_owner) else -1
        for _ in range(most):
            if visit < 0 or self.owner[visit] != owner:
                return
            yield visit
            before = int(self._before[visit])
            # Where the place of an earlier visit was given to a later one, the chain ends.
            if before >= 0 and self._age(before) <= self._age(visit):
                return
            visit = before

    def of_items(self, items: Ints) -> "Postings":
        """For each of the products the newest visits that hold it, in no order."""
        known = np.minimum(items, len(self._posted) - 1)
        posted = np.minimum(self._posted[known], self._postings.shape[1])
        posted[known < items] = 0
        which = np.repeat(np.arange(len(items)), posted)
        place = np.arange(len(which)) - np.repeat(np.cumsum(posted) - posted, posted)
        visits = self._postings[items[which], place]
        holds = (self.items[visits] == items[which][:, None]).any(axis=1)
        which, visits = which[holds], visits[holds]
        if self.opened > self.capacity:
            # A place that was given to a later visit with the same product is listed for both.
            pairs = np.unique((which << 32) | visits)
            which, visits = pairs >> 32, (pairs & 0xFFFFFFFF).astype(np.int32)
        return Postings(which, visits)

    def _age(self, visit: int) -> int:
        """How many visits were opened since this one."""
        return (self.opened - 1 - visit) % self.capacity

    def _grow(self, visit: int) -> None:
        self.items = reaching(self.items, visit, NO_ITEM)
        self.size = reaching(self.size, visit, 0)
        self.at = reaching(self.at, visit, 0)
        self.owner = reaching(self.owner, visit, NO_ITEM)
        self._before = reaching(self._before, visit, NO_ITEM)

    def load(self, owners: Ints, at: Floats, sizes: Ints, items: Ints) -> None:
        """Fill an empty structure with visits in the order of their times, the oldest first.

        `items` are those of all visits, one after another, `sizes` how many of them each has. The same
        as `open` and `add` for each, some hundred times as fast.
        """
        skipped = max(0, len(owners) - self.capacity)
        items = items[int(sizes[:skipped].sum()) :]
        owners, at, sizes = owners[skipped:], at[skipped:], sizes[skipped:]
        if not len(owners):
            return
        number = len(owners)
        self._grow(number - 1)
        self.opened = number
        self.owner[:number], self.at[:number], self.size[:number] = owners, at, sizes
        ends = np.cumsum(sizes)
        visit_of = np.repeat(np.arange(number, dtype=np.int32), sizes)
        place = np.arange(len(items)) - np.repeat(ends - sizes, sizes)
        # Of equal places the last assignment holds, which is the newest product: a ring's own way.
        self.items[visit_of, place % self.length] = items
        self._load_chains(owners)
        self._load_postings(visit_of, items)

    def _load_chains(self, owners: Ints) -> None:
        order = np.argsort(owners, kind="stable").astype(np.int32)
        same = owners[order][1:] == owners[order][:-1]
        self._before[order[1:]] = np.where(same, order[:-1], NO_ITEM)
        self._before[order[0]] = NO_ITEM
        self._last_of_owner = reaching(self._last_of_owner, int(owners.max()), NO_ITEM)
        self._last_of_owner[owners] = np.arange(len(owners), dtype=np.int32)

    def _load_postings(self, visit_of: Ints, items: Ints) -> None:
        if not len(items):
            return
        most = int(items.max())
        self._posted = reaching(self._posted, most, 0)
        self._counts = reaching(self._counts, most, 0)
        self._postings = reaching(self._postings, most, NO_ITEM)
        order = np.argsort(items, kind="stable")
        counts = np.bincount(items)
        place = np.arange(len(items)) - np.repeat(np.cumsum(counts) - counts, counts)
        self._postings[items[order], place % self._postings.shape[1]] = visit_of[order]
        self._posted[: len(counts)] = counts
        self._counts[: len(counts)] = counts


def empty_sessions() -> Visits:
    """For views. Of 128 sessions a product, more no longer improve what is foretold."""
    return Visits(capacity=300_000, postings=128, length=16)


def empty_orders() -> Visits:
    """For orders, of which larger ones take several rows."""
    return Visits(capacity=200_000, postings=256, length=32)
