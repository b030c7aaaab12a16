"""What a BigQuery node that is on the allow-list must fulfil beside."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from warehouse.sql.customer.allowlists import allowlist_engines
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.grammars import call_forms
from warehouse.sql.customer.messages import (
    FIRST_OF_EACH,
    describe_node,
    locate,
    refuse,
)
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.remedies import remedy_forms
from warehouse.sql.customer.remedies.foreign_bigquery_times import (
    PARTS,
    SECONDS_BETWEEN,
)
from warehouse.sql.customer.rules import (
    call_advice,
    filtered_aggregates,
    lenient_clauses,
)
from warehouse.sql.customer.written_names import find_written_name

# Units of EXTRACT that other dialects have.
FOREIGN_UNITS = (PARTS.keys() - {"isoyear"}) | {"century", "decade", "millennium"}


def _validate_net_function(node: exp.Func, dialect: Dialect) -> None:
    """Allow BigQuery's `NET.HOST`; `HOST` alone would be a customer's own function."""
    if not isinstance(node.parent, exp.NetFunc):
        name = describe_node(node, dialect.grammar)
        raise refuse("function", name, node, "NET. before it")


def _validate_array(node: exp.Expr, dialect: Dialect) -> None:
    """Allow [a, b] and ARRAY(SELECT …), not ARRAY(a, b)."""
    if call_forms.lacks_query(node):
        name = f"{describe_node(node, dialect.grammar)} of values"
        raise refuse("function", name, node, "[a, b], or ARRAY(SELECT …)")


def _validate_week(node: exp.Expr, dialect: Dialect) -> None:
    """Allow WEEK(MONDAY) as a unit of time alone; BigQuery has no function WEEK."""
    around = node.parent
    is_part = isinstance(around, exp.Extract) and around.this is node
    if not is_part and (around is None or around.args.get("unit") is not node):
        name = describe_node(node, dialect.grammar)
        raise refuse("function", name, node, "EXTRACT(ISOWEEK FROM …)")


def _validate_if(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse IF(a, b): sqlglot adds a NULL, BigQuery knows IF with three arguments alone."""
    is_call = not isinstance(node.parent, exp.Case)
    if is_call and node.args.get("false") is None:
        name = f"{describe_node(node, dialect.grammar)} of two arguments"
        raise refuse("function", name, node, "IF(condition, a, NULL)")


def _validate_count(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse COUNT(DISTINCT a, b), which BigQuery does not have."""
    values = node.this.expressions if isinstance(node.this, exp.Distinct) else []
    if len(values) > 1:
        advice = "COUNT(DISTINCT TO_JSON_STRING(STRUCT(a, b)))"
        raise refuse("count of", "several values", node, advice)


def _validate_distinct(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse DISTINCT ON, which is Postgres'."""
    if node.args.get("on"):
        raise refuse("clause", "DISTINCT ON", node, FIRST_OF_EACH)


def _validate_any(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse `a = ANY (array)`; LIKE ANY is BigQuery's."""
    if isinstance(node.parent, exp.EQ):
        raise refuse("operator", "= ANY", node, "a IN UNNEST(array)")


def _validate_within(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse PERCENTILE_CONT(…) WITHIN GROUP."""
    if isinstance(node.this, exp.PercentileCont | exp.PercentileDisc):
        raise call_advice.refuse_call("clause", "WITHIN GROUP", node, dialect)


def _validate_pattern(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `a ~* 'b'`, which sqlglot writes as a function that BigQuery does not have."""
    if find_written_name(node):
        name = describe_node(node, dialect.grammar)
        raise call_advice.refuse_call("function", name, node, dialect)
    raise refuse("operator", "~*", node, "REGEXP_CONTAINS(text, r'(?i)pattern')")


def _validate_join(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse a JOIN without ON, which sqlglot writes as a comma; an array needs none."""
    if node.args.get("method") == "ASOF":
        advice = (
            "JOIN … ON a.time >= b.time, with QUALIFY ROW_NUMBER() OVER (PARTITION BY a.id"
            " ORDER BY b.time DESC) = 1,"
        )
        raise refuse("clause", "ASOF JOIN", node, advice)
    lenient_clauses.refuse_apply(
        node, "JOIN … ON …, or CROSS JOIN UNNEST(array)", "LEFT JOIN … ON …, or UNNEST"
    )
    is_array = isinstance(node.this, exp.Unnest)
    if node.meta.get("lacks_condition") and not is_array:
        raise RefusedError(
            f"A JOIN needs a condition{locate(node)}: write ON … or USING (…) behind it, or"
            " CROSS JOIN."
        )


def _validate_frame(node: exp.Expr, _dialect: Dialect) -> None:
    lenient_clauses.refuse_excluded_rows(node)


def _validate_ties(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse FETCH FIRST 5 ROWS WITH TIES, which sqlglot writes as LIMIT 5."""
    if node.args.get("with_ties"):
        raise refuse(
            "clause", "WITH TIES", node, "QUALIFY RANK() OVER (ORDER BY a) <= 5"
        )


def _validate_order(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse an order of NULLs in an aggregate's brackets, other than BigQuery's own.

    BigQuery reads none there, and sqlglot would leave it out.
    """
    is_usual = bool(node.args.get("nulls_first")) != bool(node.args.get("desc"))
    around = node.parent and node.parent.parent
    while isinstance(around, exp.Limit | exp.Distinct | exp.IgnoreNulls):
        around = around.parent
    if not is_usual and isinstance(around, exp.AggFunc):
        place, value = (
            ("FIRST", "IS NOT NULL")
            if node.args["nulls_first"]
            else ("LAST", "IS NULL")
        )
        column = node.this.sql(dialect.name)
        direction = " DESC" if node.args.get("desc") else ""
        advice = f"ORDER BY {column} {value}, {column}{direction}"
        raise refuse("clause", f"NULLS {place} of an aggregate", node, advice)


def _validate_like(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `a ILIKE ANY (…)`: sqlglot would write LOWER(ANY (…))."""
    if isinstance(node.expression, exp.Any | exp.All):
        word = type(node.expression).__name__.upper()
        text = node.this.sql(dialect.name)
        advice = f"LOWER({text}) LIKE {word} (…), with patterns in small letters,"
        raise refuse("operator", f"ILIKE {word}", node, advice)


def _validate_zone(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `ts AT TIME ZONE 'x'`, except in EXTRACT and in the FORMAT of a CAST.

    BigQuery does not know it elsewhere, and sqlglot would write it as if every value were
    a TIMESTAMP.
    """
    around = node.parent
    is_extract = isinstance(around, exp.Extract) and around.expression is node
    is_format = isinstance(around, exp.Cast) and around.args.get("format") is node
    if not is_extract and not is_format:
        while isinstance(inner := node.this.unnest(), exp.AtTimeZone):
            node = inner
        time, zone = node.this.sql(dialect.name), node.args["zone"].sql(dialect.name)
        advice = (
            f"DATETIME({time}, {zone}), or TIMESTAMP({time}, {zone}) where it is a"
            " DATETIME of that zone,"
        )
        raise refuse("operator", "AT TIME ZONE", node, advice)


def _validate_extract(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse EXTRACT(EPOCH FROM ts) and other units of Postgres."""
    unit = node.name.upper()
    if unit.lower() in FOREIGN_UNITS:
        advice = _advise_seconds(node) or call_advice.advise_call(
            node, "EXTRACT", dialect
        )
        advice = advice or PARTS.get(unit.lower(), "")
        remedy = f"write {advice}" if advice else "use another unit"
        raise RefusedError(
            f"BigQuery has no unit {unit} in EXTRACT{locate(node)}: {remedy}."
        )


def _advise_seconds(node: exp.Expr) -> str:
    """Return the seconds between two times, for EXTRACT(EPOCH FROM a - b); else nothing."""
    difference = node.expression.unnest()
    if node.name.upper() != "EPOCH" or not isinstance(difference, exp.Sub):
        return ""
    ends = [difference.this.unnest(), difference.expression.unnest()]
    if any(isinstance(end, exp.Interval) for end in ends):
        return ""
    texts = [end.sql("bigquery") for end in ends]
    values = {"end_time": texts[0], "start_time": texts[1]}
    return remedy_forms.fill(SECONDS_BETWEEN, values)


def _validate_filter(node: exp.Expr, dialect: Dialect) -> None:
    filtered_aggregates.validate_filter(node, dialect, "IF")


def _validate_star(node: exp.Expr, _dialect: Dialect) -> None:
    """Allow SELECT * EXCEPT and REPLACE, not RENAME and ILIKE, which are Snowflake's."""
    for key in ("rename", "ilike"):
        if node.args.get(key):
            raise RefusedError(
                f"BigQuery has no SELECT * {key.upper()}{locate(node)}: name the columns."
            )


RULES: dict[type[exp.Expr], Callable[[Any, Dialect], None]] = {
    exp.Any: _validate_any,
    exp.Array: _validate_array,
    exp.AtTimeZone: _validate_zone,
    exp.Count: _validate_count,
    exp.Distinct: _validate_distinct,
    exp.Extract: _validate_extract,
    exp.Filter: _validate_filter,
    exp.ILike: _validate_like,
    exp.If: _validate_if,
    exp.Join: _validate_join,
    exp.LimitOptions: _validate_ties,
    exp.Ordered: _validate_order,
    exp.RegexpILike: _validate_pattern,
    exp.Star: _validate_star,
    exp.WithinGroup: _validate_within,
    exp.WeekStart: _validate_week,
    exp.WindowSpec: _validate_frame,
    **dict.fromkeys(allowlist_engines.NET_NODES, _validate_net_function),
}
