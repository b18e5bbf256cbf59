"""One customer on a card: state, timeline and what is recommended to them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich import box
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from perennial_cli.history.currencies import minor_units, readable
from perennial_cli.history.shop import Body

Names = Mapping[str, str]
"""Product names by sku."""

EMPTY = "—"
CARD_WIDTH = 47
TOLD = (
    "sku",
    "name",
    "order_id",
    "channel",
    "category",
    "severity",
    "amount",
    "total",
    "due",
    "reason",
    "tier",
)
"""Fields of an event's data that say most in few words, in this order."""

MOST_TOLD = 3


def customer_card(customer_id: str, state: Body) -> Panel:
    """The customer state in four blocks; what is not known yet is left out."""
    blocks = [
        _block("trade", _trade(state)),
        _block("visits", _fields(state.get("clicks"), "total", "last_30d", "last_seen_at",
                                 "top_categories", "carts_abandoned")),
        _block("support", _fields(state.get("support"), "complaints", "open_cases",
                                  "complaints_90d", "last_satisfaction", "recoveries")),
        _block("value", _value(state)),
    ]  # fmt: skip
    headline = Text.assemble(("stage ", "dim"), (str(state.get("stage", EMPTY)), "bold green"))
    for name in ("value_segment", "value_tier"):
        if state.get(name):
            headline.append(f"   {name.replace('_', ' ')} ", style="dim").append(str(state[name]))
    if state.get("flags"):
        headline.append("   flags ", style="dim").append(", ".join(state["flags"]), style="yellow")
    body = Group(headline, Text(), Columns([b for b in blocks if b], padding=(0, 2)))
    title = f"[bold]customer {customer_id}[/]"
    return Panel(body, title=title, title_align="left", box=box.ROUNDED, border_style="cyan")


def timeline(answer: Body | None, names: Names) -> RenderableType:
    """What happened, newest first."""
    if answer is None:
        return Text("The profile service gave no timeline.", style="yellow")
    table = Table(title="Their timeline, newest first", title_justify="left", title_style="bold",
                  box=box.SIMPLE_HEAD)  # fmt: skip
    table.add_column("when (UTC)", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for entry in answer.get("data", ()):
        data = entry.get("data") or {}
        table.add_row(_when(entry["at"]), _what(entry["type"], data), Text(_told(data, names)))
    return table


def recommendations(
    also_bought: Body | None, trending: Body | None, names: Names
) -> RenderableType:
    """What goes with what they bought, or what is wanted now where nothing is known to."""
    for title, answer in (
        ("Bought along with what they bought", also_bought),
        ("Trending", trending),
    ):
        rows = (answer or {}).get("data")
        if not rows:
            continue
        table = Table(title=f"Recommended · {title}",
            min_width=60, title_justify="left", title_style="bold",
                      box=box.SIMPLE_HEAD)  # fmt: skip
        for column in ("product", "because of"):
            table.add_column(column, no_wrap=True, overflow="ellipsis", max_width=42)
        table.add_column("score", justify="right")
        for row in rows:
            because = ", ".join(names.get(sku, sku) for sku in row.get("because") or ())
            score = f"{row['score']:.3g}" if isinstance(row.get("score"), int | float) else EMPTY
            table.add_row(Text(names.get(row["sku"], row["sku"])), Text(because or EMPTY), score)
        return table
    return Text("The recommend service recommends nothing yet.", style="yellow")


def _trade(state: Body) -> list[tuple[str, str]]:
    fields = ("count", "gross", "refunded", "net", "margin", "average", "first_at", "last_at",
              "returns", "late_deliveries")  # fmt: skip
    return _fields(state.get("orders"), *fields)


def _value(state: Body) -> list[tuple[str, str]]:
    prediction = ("p_alive", "expected_orders_90d", "clv_365d", "next_order_by")
    rows = _fields(state.get("rfm"), "recency_days", "frequency", "monetary", "score")
    rows += _fields(state, "cost_to_serve")
    return rows + _fields(state.get("prediction"), *prediction)


def _fields(values: Body | None, *names: str) -> list[tuple[str, str]]:
    found = ((name, (values or {}).get(name)) for name in names)
    return [(name.replace("_", " "), _shown(value)) for name, value in found if value is not None]


def _block(title: str, rows: list[tuple[str, str]]) -> Table | None:
    if not rows:
        return None
    table = Table(title=title, title_style="bold cyan", title_justify="left", box=None,
                  show_header=False, width=CARD_WIDTH - 2, pad_edge=False)  # fmt: skip
    table.add_column(style="dim")
    table.add_column()
    for name, value in rows:
        table.add_row(name, Text(value))
    return table


def _shown(value: Any) -> str:
    if isinstance(value, dict) and isinstance(value.get("amount"), int):
        return readable(value["amount"], str(value.get("currency", "")))
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or EMPTY
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items()) or EMPTY
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, int):
        return f"{value:,}"
    return _when(value) if isinstance(value, str) and value[10:11] == "T" else str(value)


def _when(text: str) -> str:
    """`2026-03-01 09:30` of an RFC 3339 time; anything else as it is."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"
    except ValueError:
        return text


def _what(event_type: str, data: Body) -> str:
    """`order placed` of `perennial.orders.order_placed.v1`; a click by its own name."""
    parts = event_type.split(".")
    fact = parts[-2] if len(parts) > 2 else parts[-1]
    if fact == "clicked":
        fact = str(data.get("name", fact))
    return fact.replace("_", " ")


def _told(data: Body, names: Names) -> str:
    told: list[str] = []
    for field in TOLD:
        value = data.get(field)
        if value is None or (field == "name" and "sku" in data):
            continue
        if field == "sku":
            told.append(names.get(str(value), str(value)))
        elif minor_units(value) is not None and not isinstance(value, dict):
            told.append(f"{field} {value}")
        else:
            told.append(_shown(value))
    return " · ".join(told[:MOST_TOLD])
