"""Names of the rewards that a query on the managed store can depend on."""

from collections.abc import Iterator

from sqlglot import exp

from warehouse.sql.customer.rules import validator

REWARDS = "rewards"


def find_reward_names(query: exp.Query) -> tuple[str, ...] | None:
    """Return the names of all rewards that may change the query's result, sorted.

    None if any name may: that is said of every query whose reads of the rewards do not
    each stand beside a condition `name = '…'` or `name IN ('…')` that must hold. Such a
    condition keeps all other rows from whatever the query does afterwards.
    """
    names: set[str] = set()
    for table in query.find_all(exp.Table):
        if validator.is_cte(table) or table.name != REWARDS:
            continue
        required = _find_required_names(table)
        if required is None:
            return None
        names |= required
    return tuple(sorted(names))


def _find_required_names(table: exp.Table) -> set[str] | None:
    """Return the names that the SELECT around a table requires of it; None for any."""
    select = table.find_ancestor(exp.Select)
    where = select.args.get("where") if select else None
    if select is None or where is None:
        return None
    is_alone = not select.args.get("joins") and not table.args.get("joins")
    for condition in _list_conditions(where.this):
        names = _read_condition(condition, table.alias_or_name, is_alone=is_alone)
        if names is not None:
            return names
    return None


def _list_conditions(condition: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the conditions that all must hold."""
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        yield from _list_conditions(condition.this)
        yield from _list_conditions(condition.expression)
    else:
        yield condition


def _read_condition(
    condition: exp.Expr, alias: str, *, is_alone: bool
) -> set[str] | None:
    """Return the names that a condition on the table's column `name` allows."""
    column = condition.this
    if not isinstance(column, exp.Column) or column.name != "name":
        return None
    if column.table != alias and not (is_alone and not column.table):
        return None
    if isinstance(condition, exp.EQ):
        values = [condition.expression]
    elif isinstance(condition, exp.In) and not condition.args.get("query"):
        values = condition.expressions
    else:
        return None
    if not values or not all(
        isinstance(value, exp.Literal) and value.is_string for value in values
    ):
        return None
    return {str(value.this) for value in values}
