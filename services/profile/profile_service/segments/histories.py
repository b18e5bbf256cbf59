"""Counts and sums over what happened to customers, as SQL over the timeline."""

import json
from typing import Any, NamedTuple

from profile_service.segments.clauses import Comparison, EventClause, Where, read_period
from profile_service.segments.comparisons import NOW, Parameters
from profile_service.state.facts import FACTS


class Rows(NamedTuple):
    """Rows about customers, whichever of their identities they name."""

    tables: str
    """The FROM item; the rows themselves are `f`."""
    owner: str
    """Whose a row is."""
    condition: str
    """What keeps out the rows of nobody known."""


def history_of(clause: EventClause, rows: Rows, parameters: Parameters) -> str:
    """A query of one row a customer: `owner`; `n` events that count, or their `total`; `oldest`, when
    the first of them was; and `pending`, when the next event will count that was not followed so far.
    """
    if clause.following is not None:
        return _followed(clause, rows, parameters)
    total = f", sum({_amount(clause, parameters)}) AS total" if clause.sum else ""
    return f"""
        SELECT {rows.owner} AS owner, count(*) AS n, min(f.at) AS oldest{total}
        FROM {rows.tables}
        WHERE {_named(clause, parameters)}{_since(clause, parameters)} AND {rows.condition}
        GROUP BY {rows.owner}
    """  # noqa: S608 - the parts are ours, the values parameters


def _followed(clause: EventClause, rows: Rows, parameters: Parameters) -> str:
    following = clause.following
    if following is None:
        raise ValueError("the clause asks for no other event")
    period = parameters.add(read_period(following.within), "interval")
    came = f"next_at IS NOT NULL AND next_at <= at + {period}"
    if clause.not_followed_by is not None:
        counted = f"NOT ({came}) AND at + {period} <= {NOW}"
        pending = (
            f"min(at) FILTER (WHERE first AND NOT ({came}) AND at + {period} > {NOW}) + {period}"
        )
    else:
        counted, pending = came, "NULL::timestamptz"
    amount = f", {_amount(clause, parameters)} AS amount" if clause.sum else ""
    total = f", sum(amount) FILTER (WHERE first AND {counted}) AS total" if clause.sum else ""
    first, second = _named(clause, parameters), _named(following, parameters)
    # Descending, and from the group before this one: the next of the other events that is later.
    return f"""
        SELECT owner, count(*) FILTER (WHERE first AND {counted}) AS n,
               min(at) FILTER (WHERE first AND {counted}) AS oldest, {pending} AS pending{total}
        FROM (
            SELECT {rows.owner} AS owner, f.at, {first} AS first{amount},
                   min(f.at) FILTER (WHERE {second}) OVER (
                       PARTITION BY {rows.owner} ORDER BY f.at DESC
                       GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS next_at
            FROM {rows.tables}
            WHERE (({first}) OR ({second})){_since(clause, parameters)} AND {rows.condition}
        ) AS sequence
        GROUP BY owner
    """  # noqa: S608 - as above


def _named(of: Any, parameters: Parameters) -> str:
    named = f"f.name = {parameters.add(of.event, 'text')}"
    for patterns in _patterns(of.where):
        documents = [json.dumps(each) for each in patterns]
        named += f" AND CAST(f.data AS jsonb) @> ANY ({parameters.add(documents, 'jsonb[]')})"
    return named


def _patterns(where: Where | None) -> list[list[dict[str, Any]]]:
    """For each condition the documents of which an event's data must contain one."""
    if where is None:
        return []
    patterns: list[list[dict[str, Any]]] = []
    if where.sku is not None:
        skus = where.sku if isinstance(where.sku, list) else [where.sku]
        patterns.append(
            [form for sku in skus for form in ({"sku": sku}, {"lines": [{"sku": sku}]})]
        )
    if where.category is not None:
        names = where.category if isinstance(where.category, list) else [where.category]
        patterns.append(
            [
                form
                for name in names
                for form in (
                    {"properties": {"category": name}},
                    {"lines": [{"category": name}]},
                    {"category": name},
                )
            ]
        )
    if where.properties is not None:
        patterns.append([{"properties": where.properties}])
    return patterns


def _since(clause: EventClause, parameters: Parameters) -> str:
    if clause.within is None:
        return ""
    return f" AND f.at > {NOW} - {parameters.add(read_period(clause.within), 'interval')}"


def _amount(clause: EventClause, parameters: Parameters) -> str:
    of = clause.sum.of if clause.sum else ""
    path = [of] if clause.event in FACTS else ["properties", of]
    found = f"(CAST(f.data AS jsonb) #> {parameters.add(path, 'text[]')})"
    return f"CASE jsonb_typeof({found}) WHEN 'number' THEN CAST({found} #>> '{{}}' AS numeric) END"


def may_fall(op: Comparison, n: str, value: str) -> str:
    """Whether the comparison of a count can turn because the count gets smaller."""
    return f"{n} {'>' if op in ('>', '<=') else '>='} {value}"
