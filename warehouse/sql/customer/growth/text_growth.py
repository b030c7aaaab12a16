"""A limit on how much longer a query's functions can make a text.

Calls of REPLACE inside each other, or in one WITH query after another, multiply a text's
length: three of them turn one character into a gigabyte. So the growth of each value is
followed from the tables through the queries that read each other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from warehouse.sql.customer import managed_schema, query_parts
from warehouse.sql.customer.growth import growth_factors
from warehouse.sql.customer.growth.growth_factors import Growth
from warehouse.sql.customer.messages import locate
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.written_names import write_alias, write_path

# How much longer a query may make a text, as a multiple of its longest part.
MAX_GROWTH = 10_000
ASSUMED_ROUNDS = 100  # of a recursive WITH, each of which may add to a text
ASSUMED_COLUMNS = 50  # of a row whose columns the text does not name
TOO_LONG = (
    f"The query could make a text more than {MAX_GROWTH:,} times longer{{line}}: use "
    "fewer or shorter replacements and concatenations."
)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What a query, table or function returns: its longest value, and its columns."""

    growth: Growth = field(default_factory=Growth)
    columns: frozenset[str] | None = None  # None if the text does not name them
    width: int = ASSUMED_COLUMNS


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a query can name: WITH queries, sources of columns; and what was measured."""

    queries: Mapping[str, _Rows] = field(default_factory=dict)
    sources: Mapping[str, _Rows] = field(default_factory=dict)
    measured: dict[int, Growth] = field(default_factory=dict)

    def read(self, sources: Mapping[str, _Rows]) -> "_Scope":
        """Return the scope with more sources, which hide those of the same name."""
        return replace(self, sources={**self.sources, **sources})


def require_bounded_growth(query: exp.Query) -> None:
    """Raise RefusedError if a query could make a text more than MAX_GROWTH times longer.

    In a recursive WITH each round may add to a text, but not double it.
    """
    _measure_query(query, _Scope())


def _measure_query(query: exp.Expr, around: _Scope) -> _Rows:
    scope = replace(around, queries=_measure_with(query, around), measured={})
    if isinstance(query, exp.SetOperation):
        branches = [
            _measure_query(branch, scope) for branch in query_parts.list_branches(query)
        ]
        _measure_nodes(query_parts.list_own_nodes(query, ("this", "expression")), scope)
        growth = growth_factors.find_largest(branch.growth for branch in branches)
        return replace(branches[0], growth=growth)
    if isinstance(query, exp.Subquery):
        _measure_nodes(query_parts.list_own_nodes(query, ("this", "joins")), scope)
        return _measure_query(query.this, scope)
    return _measure_select(query, scope)


def _measure_select(query: exp.Expr, scope: _Scope) -> _Rows:
    """Return what a SELECT, or VALUES, returns."""
    sources: dict[str, _Rows] = {}
    for number, node in enumerate(query_parts.list_sources(query)):
        rows = _rename(_measure_source(node, scope.read(sources)), node)
        scope.measured[id(node)] = rows.growth
        sources[node.alias_or_name or str(number)] = rows
    nodes = query_parts.list_own_nodes(query, leaves=scope.measured)
    growths = _measure_nodes(nodes, scope.read(sources))
    selected = (growths[id(part)] for part in query.expressions)
    return _Rows(growth_factors.find_largest(selected), query_parts.list_columns(query))


def _rename(rows: _Rows, named: exp.Expr) -> _Rows:
    """Return rows with the columns that an alias names, if it names any."""
    names = frozenset(named.alias_column_names)
    return replace(rows, columns=names) if names else rows


def _measure_with(query: exp.Expr, around: _Scope) -> Mapping[str, _Rows]:
    clause = query.args.get("with_")
    queries = dict(around.queries)
    ctes = clause.expressions if clause else []
    is_recursive = bool(clause and clause.args.get("recursive"))
    for number, cte in enumerate(ctes):
        if is_recursive:
            _require_order(cte, {later.alias for later in ctes[number + 1 :]})
            first = query_parts.list_branches(cte.this)[0]
            rows = _Rows(Growth(earlier=1), query_parts.list_columns(first))
            queries[cte.alias] = _rename(rows, cte)
        rows = _measure_query(cte.this, replace(around, queries=dict(queries)))
        queries[cte.alias] = _rename(_finish_rounds(rows, cte), cte)
    return queries


def _require_order(cte: exp.CTE, later: set[str]) -> None:
    for table in cte.this.find_all(exp.Table):
        if not table.db and table.name in later:
            raise RefusedError(
                f"The WITH query {write_alias(cte)} reads {write_path(table)}"
                f"{locate(table)}, which stands after it: write {write_path(table)}"
                " before it."
            )


def _finish_rounds(rows: _Rows, cte: exp.CTE) -> _Rows:
    """Return what a WITH query holds after all its rounds, if it is recursive."""
    if rows.growth.earlier > 1:
        raise RefusedError(
            f"The recursive WITH query {write_alias(cte)} could double a text in each round"
            f"{locate(cte)}: use its earlier text once, and name the table of every other"
            " column."
        )
    rounds = ASSUMED_ROUNDS if rows.growth.earlier else 1
    return replace(rows, growth=replace(rows.growth, text=rows.growth.text * rounds))


def _measure_source(node: exp.Expr, scope: _Scope) -> _Rows:
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
        columns = frozenset(managed_schema.COLUMNS.get(node.name, ())) or None
        known = None if node.db else scope.queries.get(node.name)
        return known or _Rows(columns=columns)
    inner = node.this if isinstance(node, exp.Lateral) else node
    if isinstance(inner, exp.Query):
        return _measure_query(inner, scope)
    nodes = query_parts.list_own_nodes(node, ("joins", "alias"))
    largest = growth_factors.find_largest(_measure_nodes(nodes, scope).values())
    return _Rows(largest, width=1)


def _measure_nodes(nodes: Iterable[exp.Expr], scope: _Scope) -> dict[int, Growth]:
    """Return the growth of each node, by its id; `nodes` has them before their parts."""
    growths: dict[int, Growth] = {}
    columns: dict[tuple[str, str], Growth] = {}
    for node in reversed(list(nodes)):
        known = scope.measured.get(id(node))
        if isinstance(node, exp.Column):
            column = (node.table, node.name)
            known = columns.get(column) or _measure_column(*column, scope.sources)
            columns[column] = known
        growth = known or _measure_node(node, scope, growths)
        if growth.text > MAX_GROWTH:
            raise RefusedError(TOO_LONG.format(line=locate(node)))
        growths[id(node)] = growth
    return growths


def _measure_node(
    node: exp.Expr, scope: _Scope, growths: Mapping[int, Growth]
) -> Growth:
    if query_parts.is_query(node):
        return _measure_query(node, scope).growth
    parts = [(part, growths[id(part)]) for part in node.iter_expressions()]
    return growth_factors.compute_growth(node, parts)


def _measure_column(table: str, name: str, sources: Mapping[str, _Rows]) -> Growth:
    """Return the growth of the sources that a column may be of."""
    if table in sources:
        return sources[table].growth
    named = [rows for rows in sources.values() if name in (rows.columns or ())]
    if not table and not named and name in sources:
        return _measure_row(sources[name])
    unnamed = [rows for rows in sources.values() if rows.columns is None]
    candidates = list(sources.values()) if table else [*named, *unnamed]
    return growth_factors.find_largest(rows.growth for rows in candidates)


def _measure_row(rows: _Rows) -> Growth:
    """Return the growth of a whole row as one value; a function may return no row."""
    width = len(rows.columns) if rows.columns else rows.width
    factor = 1 if width == 1 else growth_factors.ESCAPING_FACTOR * width
    return Growth(factor * rows.growth.text, factor * rows.growth.earlier)
