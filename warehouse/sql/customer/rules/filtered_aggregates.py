"""`FILTER (WHERE …)` on BigQuery and Snowflake, which have none.

sqlglot writes a condition into the first argument: `SUM(a) FILTER (WHERE x)` as
`SUM(IF(x, a, NULL))`. That means the same where an aggregate leaves NULLs out. `MAX_BY(a, b)`
would return NULL where the greatest `b` is of a row that the condition leaves out.
"""

from sqlglot import exp

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import describe_node, refuse

# Aggregates that leave out rows whose first argument is NULL.
LEAVING_NULLS_OUT: tuple[type[exp.Expr], ...] = (
    exp.ApproxDistinct, exp.ApproxQuantile, exp.ApproxQuantiles, exp.ArrayAgg, exp.Avg,
    exp.Corr, exp.Count, exp.CountIf, exp.CovarPop, exp.CovarSamp, exp.GroupConcat,
    exp.LogicalAnd, exp.LogicalOr, exp.Max, exp.Median, exp.Min, exp.PercentileCont,
    exp.PercentileDisc, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Sum, exp.Variance,
    exp.VariancePop,
)  # fmt: skip
# What sqlglot loses, or writes at a wrong place, beside a condition.
CLAUSES = (exp.HavingMax, exp.IgnoreNulls, exp.Limit, exp.RespectNulls)
# What to write instead, by the aggregate; `{if_}` is the dialect's function.
REMEDIES: dict[type[exp.Expr], str] = {
    exp.AnyValue: "MAX({if_}(condition, a, NULL))",
    exp.ArgMax: "MAX_BY(a, {if_}(condition, b, NULL))",
    exp.ArgMin: "MIN_BY(a, {if_}(condition, b, NULL))",
}
OTHERWISE = (
    "a WITH query that has the condition as its WHERE, and the aggregate over it,"
)


def validate_filter(node: exp.Expr, dialect: Dialect, if_: str) -> None:
    """Raise RefusedError at FILTER unless its aggregate leaves NULLs out.

    `if_` is the name of the dialect's function for a condition. An aggregate that is not
    allowed is refused by itself.
    """
    aggregate = node.this
    if isinstance(aggregate, exp.WithinGroup):
        aggregate = aggregate.this
    has_more = _has_more(aggregate)
    leaves_out = isinstance(aggregate, LEAVING_NULLS_OUT) and not has_more
    if _is_allowed(aggregate, dialect) and not leaves_out:
        name = describe_node(aggregate, dialect.grammar)
        remedy = OTHERWISE if has_more else REMEDIES.get(type(aggregate), OTHERWISE)
        if not isinstance(aggregate, exp.AggFunc | exp.Anonymous):
            remedy = ""  # YEAR(a) FILTER (…)
        raise refuse("clause", f"FILTER of {name}", node, remedy.format(if_=if_))


def _is_allowed(aggregate: exp.Expr, dialect: Dialect) -> bool:
    if isinstance(aggregate, exp.Anonymous):
        return aggregate.name.lower() in dialect.functions
    return type(aggregate) in dialect.nodes


def _has_more(aggregate: exp.Expr) -> bool:
    """Return whether an aggregate has a clause, or `t.*`, in its brackets."""
    for part in aggregate.walk(prune=lambda inner: isinstance(inner, exp.Query)):
        if isinstance(part, CLAUSES) or (isinstance(part, exp.Column) and part.is_star):
            return True
    return False
