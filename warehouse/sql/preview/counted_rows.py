"""Whether the rows of a customer's query are the same at every count."""

import sqlglot
from sqlglot import exp

from warehouse.sql.customer import managed_schema
from warehouse.sql.shapes import CheckedMetric, CheckedQuery

ROW_LIMIT = (
    "The SQL ends in {clause}, so most rows would never count: remove it. A preview has a "
    "limit of its own."
)
GROUPED_SINCE_START = (
    "The SQL uses {constructs}, which sees only rows since @start_date: the start (UTC) of "
    "the day of going live, minus `look_back_days` ({look_back_days}). A first purchase, "
    "say, is the first since then. Set `look_back_days` to as many days as it has to see."
)
INNER_LIMIT = (
    "The SQL limits the rows of a subquery (LIMIT): which rows it keeps may differ from "
    "one count to the next."
)
# As messages name them, in this order.
CONSTRUCTS: tuple[tuple[str, type[exp.Expr]], ...] = (
    ("GROUP BY", exp.Group),
    ("a window function", exp.Window),
    ("an aggregate", exp.AggFunc),
)


def find_row_limit(query: CheckedQuery) -> str | None:
    """Return the clause that limits the rows of the whole query, or None."""
    root = _parse(query).unnest()
    if root.args.get("limit"):
        return "FETCH" if isinstance(root.args["limit"], exp.Fetch) else "LIMIT"
    return "OFFSET" if root.args.get("offset") else None


def list_count_warnings(query: CheckedQuery, look_back_days: int) -> list[str]:
    """Return warnings about what a count sees of the rows before it."""
    root = _parse(query)
    warnings = []
    constructs = _list_constructs(root)
    if query.takes_start_date and constructs:
        warnings.append(
            GROUPED_SINCE_START.format(
                constructs=", ".join(constructs), look_back_days=look_back_days
            )
        )
    if any(root.find_all(exp.Limit, exp.Fetch)):
        warnings.append(INNER_LIMIT)
    return warnings


def depends_on_start_date(metric: CheckedMetric) -> bool:
    """Return whether an earlier @start_date might change what the later rows are.

    It does not where a plain query keeps the rows whose mapped time is not before it.
    """
    root = _parse(metric.query).unnest()
    if not metric.query.takes_start_date:
        return False
    if not isinstance(root, exp.Select) or _list_constructs(root):
        return True
    if _is_nested(root) or any(root.find_all(exp.Limit, exp.Fetch, exp.Join)):
        return True
    column = _find_source_column(root, metric.timestamp)
    return not all(
        _is_plain_bound(parameter, column)
        for parameter in root.find_all(exp.Parameter, exp.Placeholder)
        if _is_start_date(parameter)
    )


def _is_nested(root: exp.Select) -> bool:
    """Return whether it has subqueries besides those that scope the managed tables."""
    scoped = sum(
        table.db == managed_schema.SCHEMA for table in root.find_all(exp.Table)
    )
    return len(list(root.find_all(exp.Select))) > 1 + scoped


def _find_source_column(root: exp.Select, name: str) -> str | None:
    for column in root.selects:
        if isinstance(column, exp.Star):
            return name.lower()
        source = column.unalias()
        is_mapped = column.alias_or_name.lower() == name.lower()
        if is_mapped and isinstance(source, exp.Column):
            return str(source.name).lower()
    return None


def _is_start_date(parameter: exp.Expr) -> bool:
    """Tell it from the managed store's other parameters, $1 and $3."""
    return parameter.name not in ("1", "3")


def _is_plain_bound(parameter: exp.Expr, column: str | None) -> bool:
    """Return whether it stands in `column >= @start_date`, which all rows must meet."""
    node = parameter
    while isinstance(node.parent, exp.Cast | exp.Paren):
        node = node.parent
    bound = node.parent
    if not isinstance(bound, exp.GTE | exp.GT) or bound.expression is not node:
        return False
    if not isinstance(bound.this, exp.Column) or bound.this.name.lower() != column:
        return False
    around = bound.parent
    while isinstance(around, exp.And | exp.Paren):
        around = around.parent
    return isinstance(around, exp.Where)


def _list_constructs(root: exp.Expr) -> list[str]:
    """Return what combines several rows of the query, as messages name it."""
    names = [name for name, kind in CONSTRUCTS if root.find(kind)]
    if any(distinct.args.get("on") for distinct in root.find_all(exp.Distinct)):
        names.insert(0, "DISTINCT ON")
    return names


def _parse(query: CheckedQuery) -> exp.Expr:
    return sqlglot.parse_one(query.text, dialect=query.dialect)
