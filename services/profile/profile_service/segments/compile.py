"""From rules to SQL: one compiler for a batch of customers and for the whole base.

Both scopes differ in one thing: how rows of facts are brought together with customers. A batch goes
from its customers to their rows by index; the whole base reads a table once and groups it.

Every clause becomes two columns: whether it holds, and `due`, a time before which it cannot turn unless
something happens (null: never).
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from profile_service.segments.clauses import (
    AllClause,
    AnyClause,
    AttributeClause,
    Clause,
    EventClause,
    FieldClause,
    NotClause,
    SegmentClause,
)
from profile_service.segments.comparisons import (
    NOW,
    Parameters,
    attribute_of,
    compared,
    period_of,
)
from profile_service.segments.fields import SOURCES, FieldType
from profile_service.segments.histories import Rows, history_of, may_fall
from profile_service.segments.rules import Path, attribute_type, field_of, inner_clauses

_NEVER = "CAST('infinity' AS timestamptz)"


class Scope(Enum):
    """Whose rules are evaluated: customers whose ids are the second parameter, or everybody."""

    BATCH = "batch"
    EVERYBODY = "everybody"


class Node(NamedTuple):
    """A compiled clause: its columns by name. `due` is None where time alone never turns it."""

    holds: str
    due: str | None
    level: int


class Explained(NamedTuple):
    """A clause, where it stands in the rule, and its columns."""

    path: Path
    clause: Clause
    node: Node
    seen: str | None


class Compiler:
    """Collects what the rules of one statement need; each source and history once, whoever asks."""

    def __init__(
        self,
        scope: Scope,
        parameters: Parameters,
        segments: Mapping[str, Clause],
        *,
        explain: bool = False,
    ) -> None:
        self.parameters = parameters
        self.explained: list[Explained] = []
        self._scope = scope
        self._segments = segments
        self._explain = explain
        self._aggregates: dict[str, dict[str, str]] = {}
        self._histories: dict[str, str] = {}
        self._history_sql: dict[str, str] = {}
        self._joined: set[str] = set()
        self._levels: list[list[str]] = []
        self._by_segment: dict[str, Node] = {}
        self._nodes = 0

    def add(self, rule: Clause, path: Path = ()) -> Node:
        """Compile a rule, and all that it holds."""
        place = len(self.explained)
        seen: str | None = None
        match rule:
            case AllClause() | AnyClause():
                node = self._several(rule, path)
            case NotClause():
                inner = self.add(rule.not_, (*path, "not"))
                node = inner._replace(holds=f"(NOT {inner.holds})")
            case SegmentClause():
                node = self._segment(rule)
            case _:
                node, seen = self._leaf(rule)
        if self._explain:
            self.explained.insert(place, Explained(path, rule, node, seen))
        return node

    def query(self, columns: str, joined: str = "") -> str:
        """`SELECT columns` of every customer in scope, after the WITH items that it needs."""
        tables = [
            f"LEFT JOIN {name} ON {name}.owner = population.customer_id"
            for name in (*self._aggregates, *self._histories.values())
        ]
        tables += [
            f"LEFT JOIN {SOURCES[name].table} AS {name} ON {name}.customer_id = population.customer_id"
            for name in sorted(self._joined)
        ]
        # Not to be pulled up: a clause is computed once, however many clauses above it read it.
        levels = [
            f"CROSS JOIN LATERAL (SELECT {', '.join(level)} OFFSET 0) AS level_{number}"
            for number, level in enumerate(self._levels)
        ]
        return f"SELECT {columns} FROM population {' '.join([*tables, *levels])} {joined}"  # noqa: S608 - the parts are ours, the values parameters

    def definitions(self) -> str:
        """The WITH items: the population and what is known of it."""
        items = [self._population()]
        items += [
            f"{name} AS ({self._aggregate_sql(name, columns)})"
            for name, columns in self._aggregates.items()
        ]
        items += [f"{self._histories[key]} AS ({sql})" for key, sql in self._history_sql.items()]
        return ", ".join(items)

    # Clauses

    def _several(self, rule: AllClause | AnyClause, path: Path) -> Node:
        nodes = [self.add(each, (*path, *place)) for place, each in inner_clauses(rule)]
        every = isinstance(rule, AllClause)
        holds = (" AND " if every else " OR ").join(node.holds for node in nodes)
        dues = [node.due for node in nodes if node.due is not None]
        level = max(node.level for node in nodes) + 1
        if not dues:
            return self._node(level, holds, None)
        # One that turns is enough to turn what all of them make up; where several stand in the way,
        # the last of them decides.
        first = f"least({', '.join(dues)})"
        opposed = ", ".join(
            f"CASE WHEN {'NOT ' if every else ''}{node.holds} THEN"
            f" {_NEVER if node.due is None else f'coalesce({node.due}, {_NEVER})'} END"
            for node in nodes
        )
        last = f"nullif(greatest({opposed}), {_NEVER})"
        due = (
            f"CASE WHEN {holds} THEN {first if every else last} ELSE {last if every else first} END"
        )
        return self._node(level, holds, due)

    def _segment(self, clause: SegmentClause) -> Node:
        found = self._by_segment.get(clause.segment)
        if found is None:
            explain, self._explain = self._explain, False
            found = self._by_segment[clause.segment] = self.add(self._segments[clause.segment])
            self._explain = explain
        return found

    def _leaf(self, clause: Clause) -> tuple[Node, str | None]:
        match clause:
            case FieldClause():
                seen, holds, due = self._field(clause)
            case AttributeClause():
                self._joined.add("customers")
                seen, holds = attribute_of(
                    attribute_type(clause),
                    clause.attribute,
                    clause.op,
                    clause.value,
                    self.parameters,
                )
                due = None
            case EventClause():
                seen, holds, due = self._event(clause)
            case _:
                raise TypeError(f"{type(clause).__name__} holds other clauses")
        node = self._node(0, holds, due)
        if not self._explain:
            return node, None
        self._levels[0].append(f"CAST(to_jsonb({seen}) AS text) AS s{self._nodes}")
        return node, f"s{self._nodes}"

    def _node(self, level: int, holds: str, due: str | None) -> Node:
        while len(self._levels) <= level:
            self._levels.append([])
        self._nodes += 1
        name = f"h{self._nodes}"
        self._levels[level].append(f"{holds} AS {name}")
        if due is None:
            return Node(name, None, level)
        self._levels[level].append(f"{due} AS d{self._nodes}")
        return Node(name, f"d{self._nodes}", level)

    def _field(self, clause: FieldClause) -> tuple[str, str, str | None]:
        field = field_of(clause)
        seen = self._value(field.source, field.value)
        if field.absent != "NULL":
            seen = f"coalesce({seen}, {field.absent})"
        op, value = ("=", True) if clause.field == "flags" else (clause.op, clause.value)
        holds = compared(field.type, seen, op, value, self.parameters)
        turns = [] if field.turns is None else [self._value(field.source, field.turns)]
        if op == "within":
            turns.append(f"{seen} + {self.parameters.add(period_of(value), 'interval')}")
        dues = [f"CASE WHEN {turn} > {NOW} THEN {turn} END" for turn in turns]
        return seen, holds, f"least({', '.join(dues)})" if dues else None

    def _value(self, source: str, expression: str) -> str:
        """An expression over a source's rows, as it is called in the statement."""
        if SOURCES[source].identity is None:
            self._joined.add(source)
            return f"({expression.format(now=NOW, owner='population.customer_id')})"
        columns = self._aggregates.setdefault(source, {})
        return f"{source}.{columns.setdefault(expression, f'c{len(columns)}')}"

    def _event(self, clause: EventClause) -> tuple[str, str, str | None]:
        name = self._history(clause)
        test = clause.count or clause.sum
        seen = f"coalesce({name}.{'n' if clause.sum is None else 'total'}, 0)"
        op, value = (">=", 1) if test is None else (test.op, test.value)
        holds = compared(FieldType.NUMBER, seen, op, value, self.parameters)
        dues = []
        if clause.within is not None:
            falls = f"{name}.oldest + {self.parameters.add(period_of(clause.within), 'interval')}"
            if clause.sum is None:
                least = self.parameters.scalar(value, FieldType.NUMBER)
                falls = f"CASE WHEN {may_fall(op, f'{name}.n', least)} THEN {falls} END"
            dues.append(falls)
        if clause.not_followed_by is not None:
            dues.append(f"{name}.pending")
        return seen, holds, f"least({', '.join(dues)})" if dues else None

    def _history(self, clause: EventClause) -> str:
        # Clauses that hold the same events against other values share the query.
        key = clause.model_dump_json(exclude={"count": True, "sum": {"op", "value"}})
        if key not in self._histories:
            self._histories[key] = f"history_{len(self._histories)}"
            rows = self._rows("timeline", "identity")
            self._history_sql[key] = history_of(clause, rows, self.parameters)
        return self._histories[key]

    # Where rows and customers meet

    def _population(self) -> str:
        chosen = "AND customer_id = ANY ($2::text[])" if self._scope is Scope.BATCH else ""
        # Who was merged into somebody else is nobody any more, and who was erased is no one to choose.
        # The time is named because a statement must use each of its parameters, and not every rule
        # asks for it.
        people = f"""population AS MATERIALIZED (
            SELECT customer_id FROM customers
            WHERE NOT EXISTS (SELECT FROM aliases AS a
                              WHERE a.identity = customers.customer_id AND a.customer_id IS NOT NULL)
              AND erased_at IS NULL AND {NOW} IS NOT NULL {chosen})"""  # noqa: S608 - of the constants here
        if self._scope is Scope.EVERYBODY:
            return people
        return f"""{people}, identities AS MATERIALIZED (
            SELECT customer_id AS identity, customer_id FROM population
            UNION ALL SELECT identity, customer_id FROM aliases JOIN population USING (customer_id))"""  # noqa: S608 - as above

    def _rows(self, table: str, column: str) -> Rows:
        if self._scope is Scope.BATCH:
            tables = f"identities AS who JOIN {table} AS f ON f.{column} = who.identity"
            return Rows(tables, "who.customer_id", "true")
        tables = f"{table} AS f LEFT JOIN aliases AS who ON who.identity = f.{column}"
        known = f"(who.customer_id IS NOT NULL OR NOT starts_with(f.{column}, '~'))"
        return Rows(tables, f"coalesce(who.customer_id, f.{column})", known)

    def _aggregate_sql(self, name: str, columns: Mapping[str, str]) -> str:
        source = SOURCES[name]
        rows = self._rows(source.table, source.identity or "customer_id")
        selected = ", ".join(
            f"{expression.format(now=NOW, owner=rows.owner)} AS {column}"
            for expression, column in columns.items()
        )
        return f"""
            SELECT {rows.owner} AS owner, {selected} FROM {rows.tables}
            WHERE {rows.condition} GROUP BY {rows.owner}
        """  # noqa: S608 - the parts stand in `SOURCES` and `FIELDS`
