"""What a rule may ask of a customer's state: each field with its type and where its value stands.

To add a field, add a row to `FIELDS`, and to `SOURCES` where it comes from a table not named there yet.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple, get_args

from perennial_events.catalogue.customers import Stage, ValueSegment, ValueTier
from profile_service.customers.models import Kind
from profile_service.state.query import CART_ABANDONED_AFTER, CATEGORY_CLICKS, LATE_FLAG_LASTS
from profile_service.worth.measuring import ORDER_MARGIN


class FieldType(Enum):
    """What a field holds; money is a number of minor units in the shop's base currency."""

    NUMBER = "number"
    TEXT = "text"
    TIME = "time"
    TRUTH = "boolean"
    LIST = "list"


class Source(NamedTuple):
    """A table that knows of customers.

    With `identity`, the column that says who a row is about, it holds facts: values are aggregates over
    the rows `f` of all identities of a customer. Without it has one row a customer, by `customer_id`.
    """

    table: str
    triggers: frozenset[str]
    """The facts and clicks that may change its rows; `EVERY_CLICK` stands for all of these."""
    identity: str | None = None


class Field(NamedTuple):
    """A field's value in SQL, and when it may change by time alone.

    `{now}` stands for the time of the evaluation, `{owner}` for the customer's id. `value` and `turns` are aggregates of the source's
    rows where it holds facts. `turns` is the next time after `{now}` at which the value may be another
    one although nothing happened, or null; a time too early costs a look, one too late is a mistake.
    """

    type: FieldType
    source: str
    value: str
    turns: str | None = None
    absent: str = "NULL"
    """The value of a customer of whom the source has no row."""
    choices: tuple[str, ...] = ()
    """The texts that there are, where there are only some."""


_NUMBER, _TEXT, _TIME, _TRUTH = FieldType.NUMBER, FieldType.TEXT, FieldType.TIME, FieldType.TRUTH

EVERY_CLICK = "clicked"
"""A trigger: any click, whatever its name."""

_ORDERS = frozenset({
    "order_placed", "order_paid", "order_priced", "order_cancelled", "order_refunded",
})  # fmt: skip
_DELIVERIES = frozenset({"order_delivered", "return_received", "shipment_delayed"})
_CASES = frozenset({"complaint_opened", "complaint_resolved", "complaint_reopened"})

SOURCES: Mapping[str, Source] = {
    "customers": Source("customers", frozenset({"customer_registered", "customer_updated"})),
    # A stage is reviewed with an order, in the transaction that counts it, and as the days go by.
    "stages": Source("stages", frozenset({"order_paid", "order_cancelled", "stage_changed"})),
    # Measured with an event, in the transaction that counts it, and as the days and the shop go on.
    "worth": Source(
        "worth",
        _ORDERS | {"complaint_opened", "message_sent", "return_received", "value_changed"},
    ),
    "orders": Source("order_facts", _ORDERS | _DELIVERIES, "customer_id"),
    "clicks": Source("click_days", frozenset({EVERY_CLICK}), "identity"),
    "carts": Source("click_days", frozenset({EVERY_CLICK, "order_placed"}), "identity"),
    "browsing": Source("customers", frozenset({EVERY_CLICK})),
    "cases": Source("case_facts", _CASES, "customer_id"),
    "complaints": Source("complaint_facts", _CASES, "customer_id"),
}

_BOUGHT = "FILTER (WHERE f.paid_at IS NOT NULL AND f.cancelled_at IS NULL)"
_COUNT = f"count(*) {_BOUGHT}"
_GROSS = f"coalesce(sum(f.total) {_BOUGHT}, 0)"
_REFUNDED = f"coalesce(sum(f.refunded) {_BOUGHT}, 0)"
_MARGIN = f"coalesce(sum({ORDER_MARGIN}) {_BOUGHT}, 0)"
_FIRST = f"min(coalesce(f.placed_at, f.paid_at)) {_BOUGHT}"
_LAST = f"max(coalesce(f.placed_at, f.paid_at)) {_BOUGHT}"
_DAYS = f"floor(extract(epoch FROM {{now}} - {_LAST}) / 86400)"

_LATE_SINCE = f"f.delivered_at > {{now}} - interval '{LATE_FLAG_LASTS}'"
_OVERDUE = "f.overdue_since IS NOT NULL AND f.delivered_at IS NULL AND f.cancelled_at IS NULL"

_IDENTITIES = """(
    SELECT {owner} UNION ALL SELECT identity FROM aliases WHERE aliases.customer_id = {owner})"""

_THIRTY_DAYS = "FILTER (WHERE f.day > CAST({now} AS date) - 30)"
_ABANDONED = f"""FILTER (
    WHERE f.last_added_at < {{now}} - interval '{CART_ABANDONED_AFTER}' AND NOT EXISTS (
        SELECT FROM order_facts AS o
        WHERE o.customer_id IN {_IDENTITIES}
          AND o.placed_at BETWEEN f.last_added_at - interval '1 hour'
              AND f.last_added_at + interval '{CART_ABANDONED_AFTER}'))"""
_NINETY_DAYS = "FILTER (WHERE f.opened_at > {now} - interval '90 days')"

_TOP_CATEGORIES = f"""ARRAY(
    SELECT category
    FROM (SELECT sku FROM timeline WHERE identity IN {_IDENTITIES} AND sku IS NOT NULL
          ORDER BY at DESC LIMIT {CATEGORY_CLICKS}) AS seen
    JOIN product_facts USING (sku)
    WHERE category IS NOT NULL GROUP BY category ORDER BY count(*) DESC, category LIMIT 3)"""  # noqa: S608 - put together from the constants above

FIELDS: Mapping[str, Field] = {
    # Who they are
    "acquisition.campaign": Field(_TEXT, "customers", "customers.acquisition ->> 'campaign'"),
    "acquisition.channel": Field(_TEXT, "customers", "customers.acquisition ->> 'channel'"),
    "company_id": Field(_TEXT, "customers", "customers.company_id"),
    "country": Field(_TEXT, "customers", "customers.country"),
    "created_at": Field(_TIME, "customers", "customers.created_at"),
    "has_email": Field(_TRUTH, "customers", "customers.email IS NOT NULL"),
    "has_phone": Field(_TRUTH, "customers", "customers.phone IS NOT NULL"),
    "kind": Field(_TEXT, "customers", "customers.kind", choices=get_args(Kind)),
    "locale": Field(_TEXT, "customers", "customers.locale"),
    "postcode": Field(_TEXT, "customers", "customers.postcode"),
    "registered": Field(_TRUTH, "customers", "customers.registered"),
    "timezone": Field(_TEXT, "customers", "customers.timezone"),
    # Where they stand
    "stage": Field(_TEXT, "stages", "stages.stage", absent="'prospect'", choices=get_args(Stage)),
    "flags.won_back": Field(_TRUTH, "stages", "stages.won_back", absent="false"),
    # What they are worth
    "value_segment": Field(_TEXT, "worth", "worth.value_segment", choices=get_args(ValueSegment)),
    "value_tier": Field(_TEXT, "worth", "worth.value_tier", choices=get_args(ValueTier)),
    # It moves with the shop's other buyers, and no event tells of it.
    "rfm.score": Field(_TEXT, "worth", "worth.score", turns="{now} + interval '1 hour'"),
    "cost_to_serve": Field(
        _NUMBER,
        "worth",
        "worth.cost_to_serve",
        # What has passed out of the year is taken off by the clock, some seconds after.
        turns="greatest(worth.due_at, {now}) + interval '10 seconds'",
        absent="0",
    ),
    # What they bought
    "rfm.recency_days": Field(
        _NUMBER,
        "orders",
        _DAYS,
        turns=f"{_LAST} + make_interval(days => CAST({_DAYS} + 1 AS integer))",
    ),
    "rfm.frequency": Field(_NUMBER, "orders", _COUNT, absent="0"),
    "rfm.monetary": Field(_NUMBER, "orders", f"{_GROSS} - {_REFUNDED}", absent="0"),
    "orders.count": Field(_NUMBER, "orders", _COUNT, absent="0"),
    "orders.gross": Field(_NUMBER, "orders", _GROSS, absent="0"),
    "orders.refunded": Field(_NUMBER, "orders", _REFUNDED, absent="0"),
    "orders.net": Field(_NUMBER, "orders", f"{_GROSS} - {_REFUNDED}", absent="0"),
    "orders.margin": Field(_NUMBER, "orders", _MARGIN, absent="0"),
    "orders.first_at": Field(_TIME, "orders", _FIRST),
    "orders.last_at": Field(_TIME, "orders", _LAST),
    "orders.average": Field(
        _NUMBER, "orders", f"floor(({_GROSS} - {_REFUNDED}) / nullif({_COUNT}, 0))"
    ),
    "orders.returns": Field(_NUMBER, "orders", "sum(f.returns)", absent="0"),
    "orders.late_deliveries": Field(
        _NUMBER, "orders", "count(*) FILTER (WHERE f.late)", absent="0"
    ),
    "flags.late_delivery": Field(
        _TRUTH,
        "orders",
        f"coalesce(bool_or(f.late AND {_LATE_SINCE} OR {_OVERDUE}), false)",
        turns=f"min(f.delivered_at) FILTER (WHERE f.late AND {_LATE_SINCE})"
        f" + interval '{LATE_FLAG_LASTS}'",
        absent="false",
    ),
    "flags.order_without_rate": Field(
        _TRUTH,
        "orders",
        f"count(*) {_BOUGHT} > count(f.total) {_BOUGHT}",
        absent="false",
    ),
    # What they looked at
    "clicks.total": Field(_NUMBER, "clicks", "sum(f.clicks)", absent="0"),
    "clicks.last_30d": Field(
        _NUMBER,
        "clicks",
        f"coalesce(sum(f.clicks) {_THIRTY_DAYS}, 0)",
        # By calendar days, as in the customer state: it turns at midnight.
        turns=f"CAST(min(f.day) {_THIRTY_DAYS} + 30 AS timestamptz)",
        absent="0",
    ),
    "clicks.last_seen_at": Field(_TIME, "clicks", "max(f.last_at)"),
    "clicks.carts_abandoned": Field(
        _NUMBER,
        "carts",
        f"count(*) {_ABANDONED}",
        turns="min(f.last_added_at) FILTER (WHERE f.last_added_at >="
        f" {{now}} - interval '{CART_ABANDONED_AFTER}')"
        f" + interval '{CART_ABANDONED_AFTER} 1 microsecond'",
        absent="0",
    ),
    "clicks.top_categories": Field(FieldType.LIST, "browsing", _TOP_CATEGORIES),
    # What went wrong
    "support.open_cases": Field(_NUMBER, "cases", "count(*) FILTER (WHERE f.open)", absent="0"),
    "support.complaints": Field(_NUMBER, "complaints", "count(*)", absent="0"),
    "support.complaints_90d": Field(
        _NUMBER,
        "complaints",
        f"count(*) {_NINETY_DAYS}",
        turns=f"min(f.opened_at) {_NINETY_DAYS} + interval '90 days'",
        absent="0",
    ),
    "flags.open_complaint": Field(
        _TRUTH, "cases", "coalesce(bool_or(f.open), false)", absent="false"
    ),
}

FLAG = "flags."
"""`{"field": "flags", "op": "contains", "value": "won_back"}` asks for the field `flags.won_back`."""
