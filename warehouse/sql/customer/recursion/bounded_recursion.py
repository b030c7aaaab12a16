"""WITH queries that name themselves: allowed where the text tells when they end.

Without a bound a recursive query runs until the warehouse stops it, and each of its
rows costs.
"""

from collections.abc import Iterator

from sqlglot import exp

from warehouse.sql.customer.growth import bounds
from warehouse.sql.customer.messages import locate
from warehouse.sql.customer.recursion.recursion_steps import (
    is_column,
    is_reading,
    list_conditions,
    list_sources,
    read_step,
)
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.written_names import write_alias, write_path

# With a join each level may have many times the rows of the one before.
MAX_JOINED_LEVELS = 100
BELOW = (exp.LT, exp.LTE)
ABOVE = (exp.GT, exp.GTE)
DATE_FUNCTIONS = frozenset({"to_date", "to_timestamp", "to_timestamp_ntz"})


def is_recursive(cte: exp.Expr) -> bool:
    """Return whether a WITH query reads itself in the second branch of its UNION ALL."""
    query = cte.this
    return (
        isinstance(query, exp.Union)
        and not query.args.get("distinct")
        and isinstance(query.expression, exp.Select)
        and any(is_reading(source, cte) for source in list_sources(query.expression))
    )


def refuse_other_recursion(clause: exp.With) -> None:
    """Raise RefusedError if a WITH query names itself in a place that is not known."""
    for cte in clause.expressions:
        if not is_recursive(cte) and any(
            is_reading(table, cte) for table in cte.this.find_all(exp.Table)
        ):
            raise RefusedError(
                f"The WITH query {write_alias(cte)} reads itself in a way that is not"
                f" allowed{locate(cte)}: name itself after FROM in the second branch of"
                " its UNION ALL, without brackets, or name the schema of a table."
            )


def validate_clause(clause: exp.With) -> None:
    """Validate each query of a recursive WITH: its end, and that it reads earlier ones.

    Raises RefusedError.
    """
    for number, cte in enumerate(clause.expressions):
        hidden = {later.alias for later in clause.expressions[number + 1 :]}
        if is_recursive(cte):
            validate_recursion(cte)
        else:
            hidden.add(cte.alias)
        for table in cte.this.find_all(exp.Table):
            if not table.db and table.name in hidden:
                raise RefusedError(
                    f"The WITH query {write_alias(cte)} reads {write_path(table)}"
                    f"{locate(table)},"
                    " which is no WITH query before it: name the schema of a table."
                )


def validate_recursion(cte: exp.CTE) -> None:
    """Raise RefusedError unless the text tells how often a WITH query reads itself.

    One of its columns must begin at a number or date, grow in the second branch, and be
    compared with a limit there.
    """
    first, second = cte.this.this, cte.this.expression
    readings = [table for table in cte.find_all(exp.Table) if is_reading(table, cte)]
    if isinstance(first, exp.Select) and len(readings) == 1:
        names = cte.alias_column_names or first.named_selects
        branches = zip(names, first.selects, second.selects, strict=False)
        for name, start, growth in branches:
            if start.is_star or growth.is_star:
                break  # what follows has positions that the text does not tell
            column = exp.column(name, readings[0].alias_or_name)
            if _is_bounded(column, start.unalias(), growth.unalias(), second):
                return
    raise RefusedError(
        f"A recursive WITH needs a bound{locate(cte)}: let a column begin at a number or"
        " date in the first branch, add to it in the second, and write WHERE column <"
        f" limit there; with a join at most {MAX_JOINED_LEVELS} levels."
    )


def _is_bounded(
    column: exp.Column, start: exp.Expr, growth: exp.Expr, query: exp.Select
) -> bool:
    step = read_step(column, growth)
    if step is None:
        return False
    sides = (
        _list_limits(condition, column, growth) for condition in list_conditions(query)
    )
    has_joins = bool(query.args.get("joins"))
    return any(
        _ends(start, limit, step, has_joins=has_joins)
        for limits in sides
        for limit in limits
    )


def _list_limits(
    condition: exp.Expr, column: exp.Column, growth: exp.Expr
) -> Iterator[exp.Expr]:
    """Yield what the column, or its next value, must stay below."""
    if not isinstance(condition, (*BELOW, *ABOVE)):
        return
    lower, upper = condition.this, condition.expression
    if isinstance(condition, ABOVE):
        lower, upper = upper, lower
    if is_column(lower, column) or lower == growth:
        yield upper


def _ends(start: exp.Expr, limit: exp.Expr, step: exp.Expr, *, has_joins: bool) -> bool:
    first, last = _simplify(start), _simplify(limit)
    is_number = isinstance(first, exp.Literal) and first.is_int
    if not is_number and isinstance(step, exp.Literal):
        step = exp.Interval(this=exp.Literal.string(step.name), unit=exp.var("DAY"))
    if has_joins:
        levels = [int(part.name) for part in (first, last) if part.is_int]
        if len(levels) < 2 or levels[1] - levels[0] > MAX_JOINED_LEVELS:
            return False
    return bounds.has_few_rows(first, last, step)


def _simplify(node: exp.Expr) -> exp.Expr:
    """Return a copy without conversions around numbers and dates."""
    return node.copy().transform(_simplify_node)


def _simplify_node(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal):
        return node.this
    if isinstance(node, exp.Cast | exp.Paren) and isinstance(node.this, exp.Literal):
        return node.this
    if isinstance(node, exp.Anonymous) and node.this.lower() in DATE_FUNCTIONS:
        return node.expressions[0] if len(node.expressions) == 1 else node
    return node
