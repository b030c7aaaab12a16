"""WITH queries that can be told to read themselves forever.

Where the data end a recursion (a tree of folders) the text does not tell when. Refused is
one that nothing can end: no condition, no join, and no LIMIT where it is read.
"""

from collections.abc import Iterator

from sqlglot import exp

from warehouse.sql.customer import allowlist_postgres
from warehouse.sql.customer.messages import locate
from warehouse.sql.customer.recursion_steps import (
    is_column,
    is_reading,
    list_sources,
    read_step,
)
from warehouse.sql.customer.refusal import RefusedError

MAX_LIMIT = 1_000_000  # a higher one ends nothing in time
ROW_NODES = (exp.Explode, exp.ExplodingGenerateSeries, exp.Lateral, exp.Unnest)
# These read all rows before they return the first.
READS_ALL = ("group", "distinct", "order", "having", "windows")
GROWING_TESTS = (exp.GT, exp.GTE, exp.NEQ)


def refuse_endless(clause: exp.With) -> None:
    """Raise RefusedError at a query of a recursive WITH that can never end."""
    if clause.args.get("search"):  # a CYCLE ends where a row comes again
        return
    for cte in clause.expressions:
        round_ = _find_round(cte)
        if round_ is None or _may_end(cte, round_) or _is_read_in_part(cte, clause):
            continue
        raise RefusedError(
            f"The recursive WITH query {cte.alias} never ends{locate(cte)}: write a"
            " condition in its second branch that ends it, such as WHERE n < 1000."
        )


def _find_round(cte: exp.Expr) -> exp.Select | None:
    """Return the branch of a WITH query that reads the query itself."""
    query = cte.this
    branch = query.expression if isinstance(query, exp.Union) else None
    is_round = isinstance(branch, exp.Select) and any(
        is_reading(source, cte) for source in list_sources(branch)
    )
    return branch if is_round else None


def _may_end(cte: exp.Expr, round_: exp.Select) -> bool:
    """Return whether a round may return no rows at some time."""
    growing = list(_list_growing(cte, round_))
    if cte.this.args.get("distinct") and not growing:
        return True  # rows that were there already are left out
    if round_.args.get("having") or round_.args.get("group") or _makes_rows(round_):
        return True
    joins = round_.args.get("joins") or ()
    if any(join.args.get("on") or join.args.get("using") for join in joins):
        return True
    where = round_.args.get("where")
    conditions = where.this.flatten() if where else ()
    if where and not isinstance(where.this, exp.And):
        conditions = (where.this,)
    return not all(_holds_forever(condition, growing) for condition in conditions)


def _makes_rows(round_: exp.Select) -> bool:
    """Return whether rows come from something that may be empty, as an array."""
    is_complex = any(
        not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier)
        for source in list_sources(round_)
    )
    is_natural = any(join.method for join in round_.args.get("joins") or ())
    calls = round_.find_all(exp.Anonymous)
    return (
        is_complex
        or is_natural
        or round_.find(*ROW_NODES) is not None
        or any(
            call.name.lower() in allowlist_postgres.TABLE_FUNCTIONS for call in calls
        )
    )


def _list_growing(cte: exp.Expr, round_: exp.Select) -> Iterator[exp.Column]:
    """Yield the columns to which each round adds a positive number."""
    first = cte.this.this
    if not isinstance(first, exp.Select):
        return
    (reading, *_) = (each for each in list_sources(round_) if is_reading(each, cte))
    names = cte.alias_column_names or first.named_selects
    for name, growth in zip(names, round_.selects, strict=False):
        column = exp.column(name, reading.alias_or_name)
        if read_step(column, growth.unalias()) is not None:
            yield column


def _holds_forever(condition: exp.Expr, growing: list[exp.Column]) -> bool:
    """Return whether a condition is a constant, or a lower limit of what only grows."""
    if condition.find(exp.Column, exp.Query) is None:
        return True
    return (
        isinstance(condition, GROWING_TESTS)
        and isinstance(condition.expression, exp.Literal)
        and any(is_column(condition.this, column) for column in growing)
    )


def _is_read_in_part(cte: exp.Expr, clause: exp.With) -> bool:
    """Return whether every query that reads a WITH query takes its first rows alone."""
    query = clause.parent
    readings = [
        table
        for table in (query.find_all(exp.Table) if query else ())
        if is_reading(table, cte) and not _is_inside(table, cte)
    ]
    return all(_is_limited(table) for table in readings)


def _is_inside(node: exp.Expr, around: exp.Expr) -> bool:
    parent = node.parent
    while parent is not None and parent is not around:
        parent = parent.parent
    return parent is around


def _is_limited(table: exp.Expr) -> bool:
    query = table.find_ancestor(exp.Select)
    while query is not None and not any(map(query.args.get, READS_ALL)):
        if query.find(exp.AggFunc, exp.Window) is not None:
            return False
        limit = query.args.get("limit")
        rows = limit and (limit.args.get("expression") or limit.args.get("count"))
        if isinstance(rows, exp.Literal) and rows.is_int:
            return int(rows.name) <= MAX_LIMIT
        query = query.find_ancestor(exp.Select)
    return False
