"""Conditions of a recursive WITH query that, once true of a row, are true in every round."""

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum

from sqlglot import exp

from warehouse.sql.customer.recursion.column_trends import NUMBER, Round, Trend

ORDERS = (exp.LT, exp.LTE, exp.GT, exp.GTE)
NEGATED: dict[type[exp.Expr], type[exp.Binary]] = {
    exp.LT: exp.GTE, exp.LTE: exp.GT, exp.GT: exp.LTE, exp.GTE: exp.LT,
    exp.EQ: exp.NEQ, exp.NEQ: exp.EQ,
}  # fmt: skip


class Duration(Enum):
    """How long a condition holds. One that stays is true for good once it is true."""

    ALWAYS = "always"
    STAYS = "stays"
    OPEN = "open"
    NEVER = "never"


def lasts_forever(round_: Round) -> bool:
    """Return whether a row that a round returns makes every later round return one.

    False where the text does not tell.
    """
    joins = round_.branch.args.get("joins") or ()
    where = round_.branch.args.get("where")
    # Also those of outer joins: they tell which rows of other tables come again.
    conditions = [where, *(join.args.get("on") for join in joins)]
    parts = [
        _judge(condition, round_, negated=False)
        for condition in conditions
        if condition is not None
    ]
    columns = (column for join in joins for column in join.args.get("using") or ())
    parts += [_judge_using(column, round_) for column in columns]
    return _join_all(parts) in {Duration.ALWAYS, Duration.STAYS}


def _judge_using(column: exp.Expr, round_: Round) -> Duration:
    is_same = round_.trends.get(column.name) == Trend.SAME
    return Duration.STAYS if is_same else Duration.OPEN


def _judge(condition: exp.Expr, round_: Round, *, negated: bool) -> Duration:
    if isinstance(condition, exp.Paren | exp.Where):
        return _judge(condition.this, round_, negated=negated)
    if isinstance(condition, exp.Not):
        return _judge(condition.this, round_, negated=not negated)
    if isinstance(condition, exp.And | exp.Or):
        parts = [_judge(part, round_, negated=negated) for part in condition.flatten()]
        is_and = isinstance(condition, exp.And) != negated
        return _join_all(parts) if is_and else _join_any(parts)
    if isinstance(condition, exp.Between):
        return _judge(_split_between(condition), round_, negated=negated)
    return _judge_predicate(condition, round_, negated=negated)


def _judge_predicate(condition: exp.Expr, round_: Round, *, negated: bool) -> Duration:
    """Judge what has no other condition in it."""
    if isinstance(condition, exp.Boolean):
        return Duration.NEVER if condition.this == negated else Duration.ALWAYS
    if isinstance(condition, exp.Is) and isinstance(condition.expression, exp.Null):
        is_negated = negated != bool(condition.args.get("negate"))
        return _judge_null(condition.this, round_, negated=is_negated)
    if negated and type(condition) in NEGATED:
        condition = _rebuild(NEGATED[type(condition)], condition)
    return _judge_comparison(condition, round_)


def _join_all(parts: Iterable[Duration]) -> Duration:
    """Return how long conditions hold that must all hold."""
    found = set(parts)
    for duration in (Duration.NEVER, Duration.OPEN, Duration.STAYS):
        if duration in found:
            return duration
    return Duration.ALWAYS


def _join_any(parts: Iterable[Duration]) -> Duration:
    """Return how long one of some conditions holds; the end of one may be the end."""
    found = set(parts)
    for duration in (Duration.ALWAYS, Duration.OPEN, Duration.STAYS):
        if duration in found:
            return duration
    return Duration.NEVER


def _split_between(condition: exp.Between) -> exp.Paren:
    value, low, high = (condition.args[key].copy() for key in ("this", "low", "high"))
    above = exp.GTE(this=value, expression=low)
    below = exp.LTE(this=value.copy(), expression=high)
    return exp.paren(exp.And(this=above, expression=below), copy=False)


def _rebuild(kind: type[exp.Expr], condition: exp.Expr) -> exp.Expr:
    """Return the same comparison with another operator."""
    return kind(this=condition.this.copy(), expression=condition.expression.copy())


def _judge_null(value: exp.Expr, round_: Round, *, negated: bool) -> Duration:
    """Judge `value IS NULL`: adding to a value makes no NULL, nor a value of one."""
    if _find_start(value, round_) is not None:
        return Duration.ALWAYS if negated else Duration.NEVER
    is_known = round_.find_trend(value) != Trend.UNKNOWN
    return Duration.STAYS if is_known else Duration.OPEN


def _judge_comparison(condition: exp.Expr, round_: Round) -> Duration:
    if isinstance(condition, ORDERS):
        return _judge_order(condition, round_)
    is_same = round_.find_trend(condition) == Trend.SAME
    if isinstance(condition, exp.EQ | exp.NEQ):
        first = _find_start(condition.this, round_)
        second = _find_start(condition.expression, round_)
        if first is not None and second is not None:
            holds = (first == second) == isinstance(condition, exp.EQ)
            if is_same:
                return Duration.ALWAYS if holds else Duration.NEVER
            if isinstance(condition, exp.NEQ) and holds:
                # `n <> 0` of a number that rises from 1 is `n > 0`
                order = exp.GT if first > second else exp.LT
                return _judge_order(_rebuild(order, condition), round_)
    return Duration.STAYS if is_same else Duration.OPEN


def _judge_order(condition: exp.Expr, round_: Round) -> Duration:
    """Judge `low < high`: once true it stays where neither comes nearer to the other."""
    low, high = condition.this, condition.expression
    if isinstance(condition, exp.GT | exp.GTE):
        low, high = high, low
    trends = round_.find_trend(low), round_.find_trend(high)
    if trends[0] not in {Trend.SAME, Trend.FALLS}:
        return Duration.OPEN
    if trends[1] not in {Trend.SAME, Trend.RISES}:
        return Duration.OPEN
    first, second = _find_start(low, round_), _find_start(high, round_)
    if first is None or second is None:
        return Duration.STAYS
    is_strict = isinstance(condition, exp.LT | exp.GT)
    if first < second or (first == second and not is_strict):
        return Duration.ALWAYS
    return Duration.NEVER if trends == (Trend.SAME, Trend.SAME) else Duration.STAYS


def _find_start(node: exp.Expr, round_: Round) -> Decimal | None:
    """Return the number that an expression is in the first round, if the text tells."""
    if isinstance(node, exp.Column) and round_.is_own(node):
        start = round_.starts.get(node.name)
        return None if start is None else _read_number(start)
    return _read_number(node)


def _read_number(node: exp.Expr) -> Decimal | None:
    if isinstance(node, exp.Paren):
        return _read_number(node.this)
    if isinstance(node, exp.Neg):
        positive = _read_number(node.this)
        return None if positive is None else -positive
    if isinstance(node, exp.Literal) and not node.is_string:
        return Decimal(node.name) if NUMBER.fullmatch(node.name) else None
    return None
