"""A plain evaluator of rules for tests, which knows nothing of SQL, of facts or of indexes.

It reads what happened, one event after the other, and the rule as its author wrote it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from perennial_events import Event
from perennial_events.catalogue import (
    Clicked,
    ComplaintOpened,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    VisitorIdentified,
)
from profile_service.segments.clauses import read_period

Json = dict[str, Any]

DAY = timedelta(days=1)


class Happened(NamedTuple):
    event: Event
    at: datetime


@dataclass
class World:
    """Customers with their descriptions, who is who, and what happened, whatever the order."""

    history: list[Happened]
    merged: dict[str, str]
    described: dict[str, Json]
    now: datetime
    segments: dict[str, Json] = field(default_factory=dict)

    def identities(self, customer: str) -> set[str]:
        mine = {customer} | {old for old, new in self.merged.items() if new == customer}
        stitched: dict[str, tuple[datetime, str]] = {}
        for event, at in self.history:
            if isinstance(event, VisitorIdentified):
                known = stitched.get(event.anonymous_id)
                if known is None or known <= (at, event.customer_id):
                    stitched[event.anonymous_id] = (at, event.customer_id)
        return mine | {f"~{id}" for id, (_, whose) in stitched.items() if whose == customer}

    def of(self, customer: str) -> list[Happened]:
        mine = self.identities(customer)
        return [each for each in self.history if _identity(each.event) in mine]


def _identity(event: Event) -> str:
    customer: str | None = getattr(event, "customer_id", None)
    return customer if customer is not None else f"~{getattr(event, 'anonymous_id', None)}"


def _name(event: Event) -> str:
    return event.name if isinstance(event, Clicked) else event.fact


def fits(rule: Json, customer: str, world: World) -> bool:
    """Whether the customer fits the rule at the world's time."""
    (kind,) = _KINDS & rule.keys()
    return _KIND_FITS[kind](rule, customer, world)


def _attribute_fits(rule: Json, customer: str, world: World) -> bool:
    seen = world.described[customer]["attributes"].get(rule["attribute"])
    if rule["op"] == "contains" and isinstance(seen, list):
        return rule["value"] in seen
    if rule["op"] != "exists":
        model = rule["value"][0] if isinstance(rule["value"], list) else rule["value"]
        seen = seen if _kind(seen) == _kind(model) else None
    return _compare(seen, rule["op"], rule["value"], world.now)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _compare(seen: Any, op: str, value: Any, now: datetime) -> bool:
    if op == "exists":
        return (seen is not None) is value
    if op == "!=":
        return not _compare(seen, "=", value, now)
    if op == "not_in":
        return not _compare(seen, "in", value, now)
    if seen is None:
        return False
    if isinstance(seen, datetime) and op != "within":
        value = datetime.fromisoformat(value)
    tests: dict[str, Callable[[], Any]] = {
        "=": lambda: seen == value,
        "<": lambda: seen < value,
        "<=": lambda: seen <= value,
        ">": lambda: seen > value,
        ">=": lambda: seen >= value,
        "in": lambda: seen in value,
        "contains": lambda: value in seen,
        "within": lambda: now - seen < read_period(value),
    }
    return bool(tests[op]())


def _event_fits(rule: Json, customer: str, world: World) -> bool:
    history = world.of(customer)
    counted = [each for each in history if _matches(rule, each)]
    if "within" in rule:
        counted = [each for each in counted if world.now - each.at < read_period(rule["within"])]
    for key, wanted in (("followed_by", True), ("not_followed_by", False)):
        if key in rule:
            period = read_period(rule[key]["within"])
            counted = [
                each
                for each in counted
                if _is_followed(each, rule[key], history, period) is wanted
                and (wanted or each.at + period <= world.now)
            ]
    if "sum" in rule:
        test, seen = rule["sum"], sum(_amount(each, rule["sum"]["of"]) for each in counted)
    else:
        test, seen = rule.get("count", {"op": ">=", "value": 1}), len(counted)
    return _compare(seen, test["op"], test["value"], world.now)


def _is_followed(
    first: Happened, wanted: Json, history: Sequence[Happened], period: timedelta
) -> bool:
    return any(
        _matches(wanted, each) and first.at < each.at <= first.at + period for each in history
    )


def _matches(rule: Json, happened: Happened) -> bool:
    event = happened.event
    if _name(event) != rule["event"]:
        return False
    lines = getattr(event, "lines", [])
    properties = getattr(event, "properties", {})
    about: dict[str, set[Any]] = {
        "sku": {getattr(event, "sku", None)} | {line.sku for line in lines},
        "category": {properties.get("category")} | {line.category for line in lines},
    }
    for key, wanted in rule.get("where", {}).items():
        if key == "properties":
            if any(name not in properties or properties[name] != v for name, v in wanted.items()):
                return False
        elif not about[key] & set(wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def _amount(happened: Happened, of: str) -> Any:
    event = happened.event
    found = event.properties.get(of) if isinstance(event, Clicked) else getattr(event, of, None)
    return found if _kind(found) == "number" else 0


# Fields of the state, from the history


def _orders(customer: str, world: World) -> dict[str, dict[str, Any]]:
    orders: dict[str, dict[str, Any]] = {}
    for event, at in world.of(customer):
        if isinstance(event, OrderPlaced | OrderPaid | OrderCancelled | OrderRefunded):
            order = orders.setdefault(event.order_id, {"refunded": 0})
            order[event.fact] = at
            if isinstance(event, OrderPlaced):
                order["total"] = event.total
            if isinstance(event, OrderRefunded):
                order["refunded"] += event.base_amount or 0
    return orders


def _bought(customer: str, world: World) -> list[dict[str, Any]]:
    return [
        order
        for order in _orders(customer, world).values()
        if "order_paid" in order and "order_cancelled" not in order
    ]


def _net(customer: str, world: World) -> int:
    return sum(order["total"] - order["refunded"] for order in _bought(customer, world))


def _average(customer: str, world: World) -> int | None:
    count = len(_bought(customer, world))
    return math.floor(_net(customer, world) / count) if count else None


def _order_time(choose: Callable[[list[datetime]], datetime]) -> Callable[[str, World], Any]:
    def found(customer: str, world: World) -> datetime | None:
        times = [order["order_placed"] for order in _bought(customer, world)]
        return choose(times) if times else None

    return found


def _recency(customer: str, world: World) -> int | None:
    last = _order_time(max)(customer, world)
    return None if last is None else (world.now - last).days


def _clicks(customer: str, world: World) -> list[Happened]:
    return [each for each in world.of(customer) if isinstance(each.event, Clicked)]


def _last_30d(customer: str, world: World) -> int:
    since = world.now.date() - timedelta(days=30)
    return sum(each.at.date() > since for each in _clicks(customer, world))


def _complaints_90d(customer: str, world: World) -> int:
    opened: dict[str, datetime] = {}
    for event, at in world.of(customer):
        if isinstance(event, ComplaintOpened):
            opened.setdefault(event.complaint_id, at)
    return sum(world.now - at < timedelta(days=90) for at in opened.values())


def _carts(customer: str, world: World) -> int:
    last: dict[tuple[str, Any], datetime] = {}
    for event, at in _clicks(customer, world):
        if _name(event) == "product_added":
            day = (_identity(event), at.date())
            last[day] = max(last.get(day, at), at)
    placed = [at for event, at in world.of(customer) if isinstance(event, OrderPlaced)]
    return sum(
        at < world.now - DAY
        and not any(at - timedelta(hours=1) <= order <= at + DAY for order in placed)
        for at in last.values()
    )


FIELDS: dict[str, Callable[[str, World], Any]] = {
    "orders.count": lambda customer, world: len(_bought(customer, world)),
    "orders.net": _net,
    "orders.average": _average,
    "orders.first_at": _order_time(min),
    "orders.last_at": _order_time(max),
    "rfm.recency_days": _recency,
    "clicks.total": lambda customer, world: len(_clicks(customer, world)),
    "clicks.last_30d": _last_30d,
    "clicks.last_seen_at": lambda customer, world: max(
        (each.at for each in _clicks(customer, world)), default=None
    ),
    "clicks.carts_abandoned": _carts,
    "support.complaints_90d": _complaints_90d,
    "country": lambda customer, world: world.described[customer]["country"],
    "stage": lambda *_: "prospect",
}


_KIND_FITS: dict[str, Callable[[Json, str, World], bool]] = {
    "all": lambda rule, *of: all(fits(each, *of) for each in rule["all"]),
    "any": lambda rule, *of: any(fits(each, *of) for each in rule["any"]),
    "not": lambda rule, *of: not fits(rule["not"], *of),
    "segment": lambda rule, customer, world: fits(world.segments[rule["segment"]], customer, world),
    "event": _event_fits,
    "attribute": _attribute_fits,
    "field": lambda rule, customer, world: _compare(
        FIELDS[rule["field"]](customer, world), rule["op"], rule["value"], world.now
    ),
}
_KINDS = _KIND_FITS.keys()
