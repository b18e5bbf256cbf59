"""The result of a replay as a person wants to see it: on a terminal, or plain in a pipe."""

from collections.abc import Iterator
from decimal import Decimal

from rich import box
from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from perennial_cli.history.currencies import minor_units, readable
from perennial_cli.history.customer_card import customer_card, recommendations, timeline
from perennial_cli.history.reading import View
from perennial_cli.history.report import PhaseReport, ReplayReport
from perennial_cli.history.shop import AccountRow, Body, History, Kind, Totals

WIDTH = 100
BAR_WIDTH = 40
STAGES = ("prospect", "new", "active", "at_risk", "lapsed", "closed")
STAGE_STYLES = {
    "prospect": "blue",
    "new": "cyan",
    "active": "green",
    "at_risk": "yellow",
    "lapsed": "red",
    "closed": "bright_black",
}


def console_for_output() -> Console:
    """A console of up to 100 columns; in a pipe of exactly 100 and without colours."""
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    return console


def show(
    console: Console, history: History, report: ReplayReport, view: View, expected: Totals
) -> None:
    """Print everything. `expected` is the count over the input that the services should agree with."""
    for part in _parts(history, report, view, expected):
        console.print(part)
        console.print()


def _parts(
    history: History, report: ReplayReport, view: View, expected: Totals
) -> Iterator[RenderableType]:
    names = {item.id: str(item.body["name"]) for item in history.of_kind(Kind.PRODUCT)}
    yield Rule(f"[bold]Perennial[/] · {history.name}", characters="─")
    if history.accounts:
        yield accounts_table(history.accounts, history.currency)
    yield replay_table(report)
    yield totals_table(history, view.totals, expected)
    yield _stages(view)
    if view.customer_id is not None and view.state is not None:
        yield customer_card(view.customer_id, view.state)
        yield timeline(view.timeline, names)
    yield recommendations(view.also_bought, view.trending, names)
    yield value_tables(view.value_segments, view.value_tiers)
    if (fitted := _value_model(view.value_model, view.profile_url)) is not None:
        yield fitted
    yield _freshness(view, report)


def accounts_table(rows: tuple[AccountRow, ...], currency: str) -> Table:
    """What became of each line of the file, with the sums."""
    table = _table("Every line of the file", "", "lines", currency)
    for row in rows:
        mark = Text("in ", style="green") if row.imported else Text("out", style="yellow")
        table.add_row(mark + Text(f" {row.what}"), f"{row.lines:,}", f"{Decimal(row.amount):,}")
    total = sum((Decimal(row.amount) for row in rows), Decimal(0))
    table.add_section()
    table.add_row("all", f"{sum(row.lines for row in rows):,}", f"{total:,}", style="bold")
    return table


def replay_table(report: ReplayReport) -> Table:
    """Counts and speed by kind."""
    columns = ("sent", "new", "unchanged", "refused", "seconds", "a second")
    table = _table("Replayed through the public APIs", "", *columns)
    for phase in report.phases:
        table.add_row(*_replay_row(phase))
    unchanged = sum(phase.unchanged for phase in report.phases)
    table.add_section()
    table.add_row(
        "all", f"{report.sent:,}", f"{report.created:,}", f"{unchanged:,}",
        f"{len(report.refused):,}", f"{report.seconds:.1f}", f"{report.per_second:,.0f}", style="bold",
    )  # fmt: skip
    if report.sent and unchanged == report.sent:
        table.caption = "unchanged: the platform held this history already"
    return table


def _replay_row(phase: PhaseReport) -> tuple[str, ...]:
    refused = f"[red]{len(phase.refused):,}[/]" if phase.refused else "0"
    return (
        phase.name, f"{phase.sent:,}", f"{phase.created:,}", f"{phase.unchanged:,}", refused,
        f"{phase.seconds:.1f}", f"{phase.per_second:,.0f}",
    )  # fmt: skip


def totals_table(history: History, held: Body | None, expected: Totals) -> RenderableType:
    """What the orders service holds beside the count over the input, with a tick or a cross a row."""
    if held is None:
        return Text("The orders service gave no totals.", style="yellow")
    counted = "history" if history.simulated else "independent count"
    table = _table("Totals", "", "orders service", counted, "")
    differs = False
    for name in ("customers", "orders", "cancelled", "returns", "gross", "refunded", "net"):
        wanted: int = getattr(expected, name)
        found = minor_units(held.get(name))
        is_money = name in {"gross", "refunded", "net"}
        differs = differs or found != wanted
        mark = Text("✓", style="green") if found == wanted else Text("✗", style="bold red")
        table.add_row(
            name,
            "—" if found is None else _figure(found, history.currency, is_money=is_money),
            _figure(wanted, history.currency, is_money=is_money),
            mark,
        )
    if differs:
        table.caption = "They differ where this home holds other orders too, or some were refused."
    return table


def _figure(value: int, currency: str, *, is_money: bool) -> str:
    return readable(value, currency) if is_money else f"{value:,}"


def _stages(view: View) -> RenderableType:
    if view.stages is None:
        return Text("The profile service gave no stages.", style="yellow")
    return stages_table(view.stages)


def stages_table(answer: Body) -> Table:
    """Customers by lifecycle stage, with their share as figure and bar."""
    counts = {row["stage"]: int(row["customers"]) for row in answer["data"]}
    table = _table("Lifecycle stages", "stage", "customers", "share", "")
    table.columns[-1].justify = "left"
    every = sum(counts.values())
    most = max(counts.values(), default=0)
    for stage in (*STAGES, *(name for name in counts if name not in STAGES)):
        if stage in counts:
            bar = "█" * round(BAR_WIDTH * counts[stage] / most) if most else ""
            share = counts[stage] / every if every else 0.0
            style = STAGE_STYLES.get(stage, "white")
            name = stage.replace("_", " ")
            table.add_row(name, f"{counts[stage]:,}", f"{share:.1%}", Text(bar, style=style))
    table.add_section()
    table.add_row("all", f"{every:,}", "", "", style="bold")
    return table


def value_tables(segments: Body | None, tiers: Body | None) -> RenderableType:
    """The shop's buyers by value segment and by value tier, with what each group brought in."""
    if segments is None or tiers is None:
        return Text("The profile service gave no value segments.", style="yellow")
    return Columns(
        [
            _value_table("Value segments", "value_segment", segments["data"]),
            _value_table("Value tiers", "value_tier", tiers["data"]),
        ],
        padding=(0, 2),
    )


def _value_table(title: str, name: str, rows: list[Body]) -> Table:
    table = _table(title, name.removeprefix("value_"), "customers", "margin, 365 days", "share")
    every = sum(int(row["margin"]["amount"]) for row in rows)
    for row in rows:
        margin = int(row["margin"]["amount"])
        share = f"{margin / every:.0%}" if every > 0 else ""
        shown = readable(margin, row["margin"]["currency"])
        table.add_row(str(row[name]).replace("_", " "), f"{row['customers']:,}", shown, share)
    return table


def _value_model(model: Body | None, profile: str) -> RenderableType | None:
    """Where the value model's calibration can be looked at, once there is one."""
    if model is None or model.get("status") != "fitted":
        return None
    return Text.assemble(
        ("Value model fitted", "bold"),
        f" on {model.get('customers', 0):,} customers · its calibration as a plot: ",
        (f"{profile}/v1/value-model/calibration.svg", "cyan"),
    )


def _freshness(view: View, report: ReplayReport) -> Panel:
    caught_up = (
        "had not caught up when we looked"
        if view.settled_s is None
        else f"had caught up {view.settled_s:.1f} s after the last call"
    )
    text = f"[bold]{report.per_second:,.0f}[/] events a second through the APIs · customer states {caught_up}"
    if view.fresh_ms is not None:
        text += f" · a click now shows in customer state after [bold]{view.fresh_ms:,.0f} ms[/]"
    return Panel(text, box=box.ROUNDED, border_style="green", title="Speed and freshness")


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.caption_justify = "left"
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table
