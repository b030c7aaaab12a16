"""How the columns of a recursive WITH query change from one round to the next."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from sqlglot import exp

from warehouse.sql.customer import query_parts
from warehouse.sql.customer.recursion.recursion_steps import (
    is_column,
    is_reading,
    list_sources,
)

NUMBER = re.compile(r"\d{1,9}(\.\d+)?")
LENGTH_OF_TIME = re.compile(r"-?\d{1,6}( [a-z]+)?", re.IGNORECASE)
# Casts that keep the order of numbers and times; as texts, 10 comes before 9.
ORDERED_TYPES = frozenset(
    {
        exp.DType.BIGINT, exp.DType.DATE, exp.DType.DECIMAL, exp.DType.DOUBLE,
        exp.DType.FLOAT, exp.DType.INT, exp.DType.SMALLINT, exp.DType.TIMESTAMP,
        exp.DType.TIMESTAMPTZ,
    }
)  # fmt: skip


class Trend(Enum):
    """What happens to a value in each round; one that rises may stay, and never falls."""

    SAME = 0
    RISES = 1
    FALLS = -1
    UNKNOWN = None


@dataclass(frozen=True, slots=True)
class Round:
    """The branch of a WITH query that reads the query itself, and what it makes of columns.

    `names_all` tells whether `trends` has every column. `starts` are the values of the
    first branch.
    """

    branch: exp.Select
    alias: str
    trends: Mapping[str, Trend]
    starts: Mapping[str, exp.Expr]
    names_all: bool

    def is_own(self, column: exp.Column) -> bool:
        """Return whether a column is, or may be, one of the round before."""
        if column.table:
            return column.table == self.alias
        return column.name in self.trends or not self.names_all

    def find_trend(self, node: exp.Expr) -> Trend:
        """Return the trend of an expression; whatever other tables hold stays the same."""
        own = [column for column in node.find_all(exp.Column) if self.is_own(column)]
        if all(self.trends.get(column.name) == Trend.SAME for column in own):
            return Trend.SAME
        if isinstance(node, exp.Column):
            return self.trends.get(node.name, Trend.UNKNOWN)
        if isinstance(node, exp.Paren) or _is_ordered_cast(node):
            return self.find_trend(node.this)
        if isinstance(node, exp.Neg):
            return _reverse(self.find_trend(node.this))
        if isinstance(node, exp.Add | exp.Sub):
            second = self.find_trend(node.expression)
            second = _reverse(second) if isinstance(node, exp.Sub) else second
            return _add(self.find_trend(node.this), second)
        return Trend.UNKNOWN


def find_rounds(cte: exp.CTE) -> list[Round]:
    """Return the rounds of a WITH query; none if it does not read itself after FROM."""
    query = cte.this
    if not isinstance(query, exp.Union):
        return []
    first = query_parts.list_branches(query.this.unnest())[0]
    return [
        _read_round(cte, first, branch)
        for branch in query_parts.list_branches(query.expression.unnest())
        if isinstance(branch, exp.Select)
        and any(is_reading(source, cte) for source in list_sources(branch))
    ]


def _read_round(cte: exp.CTE, first: exp.Expr, branch: exp.Select) -> Round:
    reading = next(each for each in list_sources(branch) if is_reading(each, cte))
    alias = reading.alias_or_name
    starts = first.selects if isinstance(first, exp.Query) else []
    has_star = any(start.is_star for start in starts)
    names = [] if has_star else [start.alias_or_name for start in starts]
    renamed = cte.alias_column_names
    names = [*renamed, *names[len(renamed) :]]
    trends = dict.fromkeys(names, Trend.UNKNOWN)
    first_values: dict[str, exp.Expr] = {}
    if not has_star:
        pairs = zip(names, starts, strict=False)
        first_values = {name: start.unalias() for name, start in pairs}
    if _copies_all(branch):
        trends = dict.fromkeys(names, Trend.SAME)
    for name, growth in zip(names, branch.selects, strict=False):
        if growth.is_star:
            break  # what follows has positions that the text does not tell
        column = exp.column(name, alias)
        trends[name] = _find_step(column, growth.unalias(), first_values.get(name))
    return Round(branch, alias, trends, first_values, names_all=not has_star)


def _copies_all(branch: exp.Select) -> bool:
    """Return whether a round is `SELECT * FROM r`."""
    is_star = len(branch.selects) == 1 and branch.selects[0].is_star
    return is_star and not branch.args.get("joins")


def _find_step(column: exp.Column, growth: exp.Expr, start: exp.Expr | None) -> Trend:
    """Return what a round makes of a column: `n + 1`, `n`, or a constant."""
    if isinstance(growth, exp.Paren) or _is_ordered_cast(growth):
        return _find_step(column, growth.this, start)
    is_constant = growth == start and growth.find(exp.Column, exp.Query) is None
    if is_constant or is_column(growth, column):
        return Trend.SAME
    if isinstance(growth, exp.Add | exp.Sub) and is_column(growth.this, column):
        trend = _find_sign(growth.expression)
        return _reverse(trend) if isinstance(growth, exp.Sub) else trend
    if isinstance(growth, exp.Add) and is_column(growth.expression, column):
        return _find_sign(growth.this)
    return Trend.UNKNOWN


def _find_sign(amount: exp.Expr) -> Trend:
    """Return where adding an amount leads to."""
    if isinstance(amount, exp.Paren):
        return _find_sign(amount.this)
    if isinstance(amount, exp.Neg):
        return _reverse(_find_sign(amount.this))
    text = _read_amount(amount)
    if not text:
        return Trend.UNKNOWN
    if not re.search(r"[1-9]", text):
        return Trend.SAME
    return Trend.FALLS if text.startswith("-") else Trend.RISES


def _read_amount(amount: exp.Expr) -> str:
    """Return a number or a length of time as it is written; nothing for anything else."""
    is_time = isinstance(amount, exp.Interval) or (
        isinstance(amount, exp.Cast) and amount.is_type(exp.DType.INTERVAL)
    )
    literal = amount.this if is_time else amount
    if not isinstance(literal, exp.Literal) or literal.is_string != is_time:
        return ""
    pattern = LENGTH_OF_TIME if is_time else NUMBER
    return literal.name if pattern.fullmatch(literal.name) else ""


def _is_ordered_cast(node: exp.Expr) -> bool:
    return isinstance(node, exp.Cast) and node.to.this in ORDERED_TYPES


def _reverse(trend: Trend) -> Trend:
    return {Trend.RISES: Trend.FALLS, Trend.FALLS: Trend.RISES}.get(trend, trend)


def _add(first: Trend, second: Trend) -> Trend:
    if Trend.SAME in (first, second):
        return second if first == Trend.SAME else first
    return first if first == second else Trend.UNKNOWN
