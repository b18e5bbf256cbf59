"""The statements that compare rules with customers: some of them, everybody, or one with the reasons."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from perennial_events import Connection
from profile_service.segments.clauses import Clause, read_rule
from profile_service.segments.comparisons import Parameters
from profile_service.segments.compile import Compiler, Node, Scope
from profile_service.segments.rules import triggers_of

AT_ONCE = 20
"""Segments in one statement. More would cost the planner more than they share."""

_REVIEW = """
    WITH {definitions}, verdicts AS MATERIALIZED ({verdicts}),
    entered AS (
        INSERT INTO segment_members (segment_id, customer_id, since)
        SELECT segment_id, customer_id, $1::timestamptz FROM verdicts WHERE holds
        ON CONFLICT DO NOTHING RETURNING segment_id, customer_id
    ), gone AS (
        DELETE FROM segment_members AS m
        WHERE m.customer_id = ANY ($2::text[]) AND m.segment_id = ANY ({segments})
          AND NOT EXISTS (SELECT FROM verdicts AS v WHERE v.holds
                          AND (v.segment_id, v.customer_id) = (m.segment_id, m.customer_id))
        RETURNING segment_id, customer_id
    ), forgotten AS (
        DELETE FROM segment_dues AS d
        WHERE d.customer_id = ANY ($2::text[]) AND d.segment_id = ANY ({segments})
          AND NOT EXISTS (
              SELECT FROM verdicts AS v WHERE (v.segment_id, v.customer_id, v.due)
                                            = (d.segment_id, d.customer_id, d.due_at))
    ), noted AS (
        INSERT INTO segment_dues (segment_id, customer_id, due_at)
        SELECT segment_id, customer_id, due FROM verdicts AS v
        WHERE due IS NOT NULL AND NOT EXISTS (
            SELECT FROM segment_dues AS d WHERE (v.segment_id, v.customer_id, v.due)
                                              = (d.segment_id, d.customer_id, d.due_at))
    ), untold AS (
        DELETE FROM segment_changes AS c
        WHERE c.customer_id = ANY ($2::text[]) AND c.segment_id = ANY ({segments})
        RETURNING id, segment_id, customer_id, entered, at
    )
    SELECT id, segment_id, customer_id, entered, at FROM untold
    UNION ALL SELECT NULL, segment_id, customer_id, true, $1 FROM entered
    UNION ALL SELECT NULL, segment_id, customer_id, false, $1 FROM gone
    ORDER BY customer_id, segment_id, id NULLS LAST
"""

_RECOMPUTE = """
    WITH {definitions}, verdicts AS MATERIALIZED ({verdicts}),
    entered AS (
        INSERT INTO segment_members (segment_id, customer_id, since)
        SELECT {segment}, customer_id, $1::timestamptz FROM verdicts WHERE holds
        ON CONFLICT DO NOTHING RETURNING customer_id
    ), gone AS (
        DELETE FROM segment_members AS m WHERE m.segment_id = {segment}
          AND NOT EXISTS (SELECT FROM verdicts AS v WHERE v.holds AND v.customer_id = m.customer_id)
        RETURNING customer_id
    ), forgotten AS (
        DELETE FROM segment_dues WHERE segment_id = {segment}
    ), noted AS (
        INSERT INTO segment_dues (segment_id, customer_id, due_at)
        SELECT {segment}, customer_id, due FROM verdicts WHERE due IS NOT NULL
    )
    INSERT INTO segment_changes (segment_id, customer_id, entered, at)
    SELECT {segment}, customer_id, true, $1 FROM entered
    UNION ALL SELECT {segment}, customer_id, false, $1 FROM gone
"""

_PREVIEW = """
    WITH {definitions}, fitting AS MATERIALIZED ({verdicts})
    SELECT count(*), (SELECT array_agg(customer_id) FROM (
        SELECT customer_id FROM fitting ORDER BY customer_id LIMIT 20) AS first_of_them)
    FROM fitting
"""

_FITTING = "WITH {definitions} {verdicts}"


class Definition(NamedTuple):
    """A segment as the database has it; the rule still as text, by which its compiled form is kept."""

    segment_id: str
    rule: str
    computing: bool


class Change(NamedTuple):
    """A customer entered a segment, or left it. `id` is that of a change by a new rule, told late."""

    id: int | None
    segment_id: str
    customer_id: str
    entered: bool
    at: datetime


class Verdict(NamedTuple):
    """Whether a customer fits a rule, and the time before which that cannot change by itself."""

    holds: bool
    due: datetime | None


class Finding(NamedTuple):
    """One clause of a rule, held against one customer."""

    path: tuple[str | int, ...]
    clause: Clause
    holds: bool
    seen: Any


Definitions = tuple[Definition, ...]


@lru_cache(maxsize=16)
def rules_of(definitions: Definitions) -> Mapping[str, Clause]:
    return {each.segment_id: read_rule(each.rule) for each in definitions}


@lru_cache(maxsize=16)
def triggers(definitions: Definitions) -> Mapping[str, frozenset[str]]:
    """For each segment the facts and clicks that it depends on."""
    rules = rules_of(definitions)
    return {id: triggers_of(rule, rules) for id, rule in rules.items()}


@lru_cache(maxsize=64)
def _review_statement(definitions: Definitions, wanted: tuple[str, ...]) -> tuple[str, list[Any]]:
    parameters = Parameters(None, None)
    rules = rules_of(definitions)
    compiler = Compiler(Scope.BATCH, parameters, rules)
    nodes = {id: compiler.add(rules[id]) for id in wanted}
    rows = ", ".join(
        f"({parameters.add(id, 'text')}, {node.holds}, {_due(node)})" for id, node in nodes.items()
    )
    verdicts = compiler.query(
        "population.customer_id, verdict.segment_id, verdict.holds, verdict.due",
        f"CROSS JOIN LATERAL (VALUES {rows}) AS verdict (segment_id, holds, due)",
    )
    segments = parameters.add(list(wanted), "text[]")
    statement = _REVIEW.format(
        definitions=compiler.definitions(), verdicts=verdicts, segments=segments
    )
    return statement, parameters.values[2:]


async def review(
    connection: Connection,
    customer_ids: Collection[str],
    definitions: Definitions,
    wanted: Sequence[str],
    now: datetime,
) -> list[Change]:
    """Bring the membership of these customers in these segments up to date; what changed, in order."""
    ids, changes = sorted(customer_ids), list[Change]()
    for start in range(0, len(wanted), AT_ONCE):
        chosen = tuple(wanted[start : start + AT_ONCE])
        statement, values = _review_statement(definitions, chosen)
        rows = await connection.fetch(statement, now, ids, *values)
        changes += [Change(*row) for row in rows]
    return changes


async def recompute(
    connection: Connection, segment_id: str, definitions: Definitions, now: datetime
) -> None:
    """Bring the membership of everybody in one segment up to date. Changes wait to be told."""
    rules = rules_of(definitions)
    compiler, node = _everybody(rules[segment_id], rules)
    statement = _RECOMPUTE.format(
        verdicts=compiler.query(_columns(node), _worth_noting(node)),
        definitions=compiler.definitions(),
        segment=compiler.parameters.add(segment_id, "text"),
    )
    await connection.execute(statement, now, *compiler.parameters.values[1:])


async def preview(
    connection: Connection, rule: Clause, segments: Mapping[str, Clause], now: datetime
) -> tuple[int, list[str]]:
    """How many customers fit a rule, and the ids of the first of them."""
    compiler, node = _everybody(rule, segments)
    statement = _PREVIEW.format(
        verdicts=compiler.query(_columns(node), f"WHERE {node.holds}"),
        definitions=compiler.definitions(),
    )
    row = await connection.fetchrow(statement, now, *compiler.parameters.values[1:])
    return (0, []) if row is None else (row[0], row[1] or [])


async def verdicts(
    connection: Connection,
    rule: Clause,
    segments: Mapping[str, Clause],
    now: datetime,
    customer_ids: Collection[str] | None = None,
) -> dict[str, Verdict]:
    """A rule's verdict on these customers, or on everybody; nothing is kept."""
    some = customer_ids is not None
    parameters = (
        Parameters(now, sorted(customer_ids)) if customer_ids is not None else Parameters(now)
    )
    compiler = Compiler(Scope.BATCH if some else Scope.EVERYBODY, parameters, segments)
    node = compiler.add(rule)
    statement = _FITTING.format(
        verdicts=compiler.query(_columns(node)), definitions=compiler.definitions()
    )
    rows = await connection.fetch(statement, *parameters.values)
    return {customer_id: Verdict(holds, due) for customer_id, holds, due in rows}


async def explain(
    connection: Connection,
    rule: Clause,
    segments: Mapping[str, Clause],
    customer_id: str,
    now: datetime,
) -> tuple[Verdict, list[Finding]]:
    """A rule's verdict on one customer, and that of each clause with the value that it saw."""
    parameters = Parameters(now, [customer_id])
    compiler = Compiler(Scope.BATCH, parameters, segments, explain=True)
    node = compiler.add(rule)
    columns = [_columns(node)]
    for each in compiler.explained:
        columns += [each.node.holds, each.seen or "NULL"]
    statement = _FITTING.format(
        verdicts=compiler.query(", ".join(columns)), definitions=compiler.definitions()
    )
    row = await connection.fetchrow(statement, *parameters.values)
    if row is None:
        # The customer was merged into another one, and fits nothing.
        return Verdict(holds=False, due=None), []
    _, holds, due, *found = row
    findings = [
        Finding(each.path, each.clause, found[2 * place], _read(found[2 * place + 1]))
        for place, each in enumerate(compiler.explained)
    ]
    return Verdict(holds, due), findings


def _everybody(rule: Clause, segments: Mapping[str, Clause]) -> tuple[Compiler, Node]:
    compiler = Compiler(Scope.EVERYBODY, Parameters(None), segments)
    return compiler, compiler.add(rule)


def _columns(node: Node) -> str:
    return f"population.customer_id, {node.holds} AS holds, {_due(node)} AS due"


def _worth_noting(node: Node) -> str:
    """Of nearly everybody there is nothing to keep."""
    return f"WHERE {node.holds}" + ("" if node.due is None else f" OR {node.due} IS NOT NULL")


def _due(node: Node) -> str:
    # What is due after the last year that a caller can read is due never.
    due = node.due
    return f"CASE WHEN {due} < '9999-12-31' THEN {due} END" if due else "NULL::timestamptz"


def _read(seen: str | None) -> Any:
    return None if seen is None else json.loads(seen)
