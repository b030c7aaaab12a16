"""What a query's rows depend on besides the rows that it reads."""

from collections.abc import Iterator

from sqlglot import exp

from warehouse.sql.customer import managed_schema
from warehouse.sql.customer.allowlists import allowlist_postgres
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.text.tokens import quote_name
from warehouse.sql.customer.traits import clock_texts
from warehouse.sql.shapes import RowTraits

# The managed store's own column: its day is the partition.
TIMESTAMP_COLUMN = "timestamp_utc"
PARAMETERS = (exp.Parameter, exp.Placeholder)
# As messages name them, in this order.
CONSTRUCTS: tuple[tuple[str, type[exp.Expr]], ...] = (
    ("GROUP BY", exp.Group),
    ("a window function", exp.Window),
)


def read_traits(query: exp.Expr, rules: Dialect, timestamp: str) -> RowTraits:
    """Return the traits of a query as it will run; `timestamp` is its mapped time."""
    root = query.unnest()
    aliases = tuple(_list_aliases(root))
    time = dict(aliases).get(timestamp, timestamp) or timestamp
    constructs = tuple(_list_constructs(query))
    return RowTraits(
        row_limit=_find_row_limit(root),
        limits_inside=any(query.find_all(exp.Limit, exp.Fetch)),
        constructs=constructs,
        start_columns=() if constructs else tuple(_list_start_columns(root)),
        own_times=tuple(_list_own_times(query)),
        aliases=aliases,
        reads_clock=clock_texts.reads_clock(query, {time.lower()}),
        sources=tuple(_list_sources(root, rules)),
    )


def _find_row_limit(root: exp.Expr) -> str | None:
    if root.args.get("limit"):
        return "FETCH" if isinstance(root.args["limit"], exp.Fetch) else "LIMIT"
    return "OFFSET" if root.args.get("offset") else None


def _list_constructs(query: exp.Expr) -> Iterator[str]:
    """Yield what combines several rows of the query."""
    if any(distinct.args.get("on") for distinct in query.find_all(exp.Distinct)):
        yield "DISTINCT ON"
    yield from (name for name, kind in CONSTRUCTS if query.find(kind))
    if allowlist_postgres.calls_aggregate(query):
        yield "an aggregate"


def _list_start_columns(root: exp.Expr) -> Iterator[str]:
    """Yield, in lower case, the result's columns that no row has before the start date.

    None where an earlier start date might change what later rows are: it does not if a
    plain query keeps the rows whose column is not before it.
    """
    if not isinstance(root, exp.Select) or _is_nested(root):
        return
    if any(root.find_all(exp.Limit, exp.Fetch, exp.Join)):
        return
    bounded = {
        _find_bounded_column(parameter)
        for parameter in root.find_all(exp.Parameter, exp.Placeholder)
        if _is_start_date(parameter)
    }
    if len(bounded) != 1 or None in bounded:
        return
    (name,) = bounded
    for column in root.selects:
        source = column.unalias()
        if isinstance(column, exp.Star):
            yield str(name)
        elif isinstance(source, exp.Column) and source.name.lower() == name:
            yield column.alias_or_name.lower()


def _is_nested(root: exp.Select) -> bool:
    """Return whether it has subqueries besides those that scope the managed tables."""
    scoped = sum(
        table.db == managed_schema.SCHEMA for table in root.find_all(exp.Table)
    )
    return len(list(root.find_all(exp.Select))) > 1 + scoped


def _is_start_date(parameter: exp.Expr) -> bool:
    """Tell it from the managed store's other parameters, $1, $3 and $4."""
    return parameter.name not in ("1", "3", "4")


def _find_bounded_column(parameter: exp.Expr) -> str | None:
    """Return the column of `column >= @start_date`, if all rows must meet that."""
    node = parameter
    while isinstance(node.parent, exp.Cast | exp.Paren):
        node = node.parent
    bound = node.parent
    if not isinstance(bound, exp.GTE | exp.GT) or bound.expression is not node:
        return None
    around = bound.parent
    while isinstance(around, exp.And | exp.Paren):
        around = around.parent
    is_required = isinstance(around, exp.Where)
    is_column = isinstance(bound.this, exp.Column)
    return bound.this.name.lower() if is_required and is_column else None


def _list_own_times(query: exp.Expr) -> Iterator[str]:
    """Yield the result's columns that are the managed store's own timestamps."""
    if not isinstance(query, exp.Select) or _is_renamed(query):
        return
    for column in query.selects:
        source = column.unalias()
        if isinstance(column, exp.Star):
            yield TIMESTAMP_COLUMN
        elif isinstance(source, exp.Column) and source.name == TIMESTAMP_COLUMN:
            yield column.alias_or_name


def _list_aliases(root: exp.Expr) -> Iterator[tuple[str, str | None]]:
    """Yield each alias of the result with the column that it renames; None if computed."""
    for column in root.selects if isinstance(root, exp.Query) else ():
        if isinstance(column, exp.Alias):
            source = column.this
            yield column.alias, source.name if isinstance(source, exp.Column) else None


def _list_sources(root: exp.Expr, rules: Dialect) -> Iterator[tuple[str, str]]:
    """Yield each column of the result with its text in the query, as its author may write it.

    The start date has no text that an author could write.
    """
    for column in root.selects if isinstance(root, exp.Select) else ():
        source = column.unalias()
        if isinstance(source, exp.Column) and not column.is_star:
            parts = [quote_name(part.name, rules.name) for part in source.parts]
            yield column.alias_or_name, ".".join(parts)
        elif isinstance(column, exp.Alias) and not any(map(source.find, PARAMETERS)):
            yield column.alias, f"({source.sql(rules.grammar, identify=True)})"


def _is_renamed(query: exp.Select) -> bool:
    """Return whether anything may have the name of the store's column without being it."""
    return any(
        alias.alias == TIMESTAMP_COLUMN for alias in query.find_all(exp.Alias)
    ) or any(alias.args.get("columns") for alias in query.find_all(exp.TableAlias))
