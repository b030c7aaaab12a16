"""What a Snowflake node that is on the allow-list must fulfil beside."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from warehouse.sql.customer.allowlists import allowlist_snowflake
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.growth import bounds
from warehouse.sql.customer.messages import (
    FIRST_OF_EACH,
    describe_source,
    locate,
    refuse,
)
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.rules import filtered_aggregates, lenient_clauses
from warehouse.sql.customer.written_names import find_written_name

ROW_SOURCES = (exp.Lateral, exp.TableFromRows)
TABLE_CLAUSES = frozenset({"this", "alias", "joins", "pivots"})
MAX_GENERATED = 1_000_000
COARSE_UNITS = bounds.SERIES_UNITS
IN_FROM = "LATERAL FLATTEN(INPUT => …) in FROM"


def advise(name: str, dialect: Dialect) -> str:
    """Return what to write instead of a function in a schema, on Snowflake."""
    is_own = dialect.name == "snowflake" and "." in name
    return "what it computes, or a view that calls it," if is_own else ""


def refuse_rows(node: exp.Expr, dialect: Dialect) -> RefusedError:
    """Return the error for what stands in FROM and is no table."""
    if isinstance(node, exp.Literal):
        return RefusedError(
            f"The file or stage {node.name!r} cannot be read{locate(node)}: name a table."
        )
    if isinstance(node, exp.DynamicIdentifier):
        return refuse("table", "IDENTIFIER(…)", node, "the name of the table")
    return RefusedError(
        f"The function {describe_source(node, dialect.grammar)} in FROM is not allowed"
        f"{locate(node)}, only FLATTEN, SPLIT_TO_TABLE, STRTOK_SPLIT_TO_TABLE and"
        " GENERATOR in TABLE(…) or after LATERAL: name a table, or a view that calls the"
        " function."
    )


def _validate_rows(node: exp.Expr, _dialect: Dialect) -> None:
    """FLATTEN and the like are tables: they stand in FROM."""
    if not isinstance(node.parent, ROW_SOURCES):
        raise refuse("function", _name_call(node), node, IN_FROM)


def _validate_unnest(node: exp.Expr, _dialect: Dialect) -> None:
    """UNNEST is a table as well; sqlglot writes it as FLATTEN."""
    if isinstance(node.parent, exp.In):
        raise refuse("operator", "IN UNNEST", node, "ARRAY_CONTAINS(a::VARIANT, b)")
    if not isinstance(node.parent, exp.From | exp.Join | exp.Lateral):
        raise refuse("function", _name_call(node), node, IN_FROM)


def _name_call(node: exp.Expr) -> str:
    if name := find_written_name(node):
        return name
    if isinstance(node, exp.Func) and not isinstance(node, exp.Explode):
        return node.sql_name().lower()
    return "flatten"


def _validate_table(node: exp.Expr, dialect: Dialect) -> None:
    """Allow TABLE(…) around a function that takes one value apart, or GENERATOR."""
    if not isinstance(node.this, allowlist_snowflake.ROW_FUNCTIONS):
        raise refuse_rows(node.this, dialect)
    for key, value in node.args.items():
        if value and key not in TABLE_CLAUSES:
            raise refuse("clause", f"{key.upper()} of a table", node)


def _validate_generator(node: exp.Expr, _dialect: Dialect) -> None:
    _validate_rows(node, _dialect)
    rows = _read_integer(node.args.get("rowcount"))
    if rows is None or rows > MAX_GENERATED or node.args.get("timelimit"):
        raise RefusedError(
            f"GENERATOR needs a bound{locate(node)}: write GENERATOR(ROWCOUNT => n) with"
            f" a number of at most {MAX_GENERATED:,}."
        )


def _validate_sequence(node: exp.Expr, _dialect: Dialect) -> None:
    """Allow SEQ4() over GENERATOR alone: over tables its numbers differ at each run."""
    query = node.find_ancestor(exp.Select)
    if query is None or not all(map(_is_generator, _list_sources(query))):
        raise refuse(
            "function", _name_call(node), node, "ROW_NUMBER() OVER (ORDER BY …)"
        )


def _list_sources(query: exp.Select) -> list[exp.Expr | None]:
    first = query.args.get("from_")
    joined = [join.this for join in query.args.get("joins") or ()]
    return [first.this if first else None, *joined]


def _is_generator(source: exp.Expr | None) -> bool:
    return isinstance(source, exp.TableFromRows) and isinstance(
        source.this, exp.Generator
    )


def _validate_range(node: exp.Expr, _dialect: Dialect) -> None:
    """Allow ARRAY_GENERATE_RANGE between numbers, sizes and days between two moments."""
    if node.args.get("step") is None and all(
        _is_bounded(node.args.get(key)) for key in ("start", "end")
    ):
        return
    bounds.validate_series(node, "snowflake")  # type: ignore[arg-type]


def _is_bounded(node: object) -> bool:
    if isinstance(node, exp.Add | exp.Sub):
        return _is_bounded(node.this) and _is_bounded(node.expression)
    if isinstance(node, exp.Paren):
        return _is_bounded(node.this)
    if isinstance(node, exp.DateDiff):
        return str(node.args.get("unit")).upper() in COARSE_UNITS
    number = _read_integer(node)
    return isinstance(node, exp.ArraySize) or (
        number is not None and abs(number) <= bounds.MAX_SERIES
    )


def _validate_repeat(node: exp.Expr, _dialect: Dialect) -> None:
    """Allow a text to be repeated a number of times that the query tells."""
    times = node.args["times"] if isinstance(node, exp.Repeat) else node.this
    limits = [times]
    if isinstance(times, exp.Least):
        limits = [times.this, *times.expressions]
    numbers = [_read_integer(limit) for limit in limits]
    if not any(n is not None and n <= bounds.MAX_WIDTH for n in numbers):
        raise RefusedError(
            f"The length of a repeated text must have a bound{locate(node)}: write a"
            f" number, or LEAST(…, 100), of at most {bounds.MAX_WIDTH:,}."
        )


def _validate_uuid(node: exp.Expr, _dialect: Dialect) -> None:
    """Allow UUID_STRING(namespace, name), which is a hash; without them it is random."""
    if not node.args.get("name"):
        name = find_written_name(node) or "uuid_string"
        raise refuse("function", name, node, "a column of the row")


def _validate_log(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse LOG(x), which sqlglot writes as LN(x): Snowflake's takes the base first."""
    if node.expression is None:
        raise refuse("function", "log without a base", node, "LN(x) or LOG(10, x)")


def _validate_distinct(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse DISTINCT ON, which is Postgres'."""
    if node.args.get("on"):
        raise refuse("clause", "DISTINCT ON", node, FIRST_OF_EACH)


def _validate_join(node: exp.Expr, _dialect: Dialect) -> None:
    lateral = "JOIN LATERAL (SELECT …) AS b"
    lenient_clauses.refuse_apply(node, f"CROSS {lateral}", f"LEFT {lateral} ON TRUE")


def _validate_frame(node: exp.Expr, _dialect: Dialect) -> None:
    lenient_clauses.refuse_excluded_rows(node)


def _validate_zone(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `ts AT TIME ZONE 'x'`, which Snowflake does not know.

    sqlglot would write the time in that zone, where Postgres reads a time without a zone as
    one of it.
    """
    while isinstance(inner := node.this.unnest(), exp.AtTimeZone):
        node = inner
    time, zone = node.this.sql(dialect.name), node.args["zone"].sql(dialect.name)
    advice = (
        f"CONVERT_TIMEZONE({zone}, {time}), or CONVERT_TIMEZONE({zone}, 'UTC', {time})"
        " where it is a time of that zone,"
    )
    raise refuse("operator", "AT TIME ZONE", node, advice)


def _validate_path(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse `a[1:2]`, Postgres' slice: sqlglot reads `1:2` as a path into the number."""
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        advice = "ARRAY_SLICE(a, 0, 2), which counts from 0 and leaves out the end,"
        raise refuse("slice of", "an array by a colon", node, advice)


def _validate_filter(node: exp.Expr, dialect: Dialect) -> None:
    filtered_aggregates.validate_filter(node, dialect, "IFF")


def _validate_today(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse CURRENT_DATE('UTC'), which Snowflake does not know and sqlglot rewrites."""
    if node.this:
        advice = "CONVERT_TIMEZONE('UTC', CURRENT_TIMESTAMP())::DATE"
        raise refuse("argument of", "current_date", node, advice)


def _validate_position(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `$1`, unless it was a column of VALUES, and variables of the session."""
    raise refuse("parameter", node.sql(dialect.name), node, "the name of the column")


def _read_integer(node: object) -> int | None:
    """Return the whole number that a node writes out, or None if it does not."""
    is_number = isinstance(node, exp.Literal | exp.Neg) and node.is_int
    return int(node.to_py()) if is_number and isinstance(node, exp.Expr) else None


RULES: dict[type[exp.Expr], Callable[[Any, Dialect], None]] = {
    exp.AtTimeZone: _validate_zone,
    exp.Distinct: _validate_distinct,
    exp.Explode: _validate_rows,
    exp.Filter: _validate_filter,
    exp.JSONExtract: _validate_path,
    exp.Join: _validate_join,
    exp.Unnest: _validate_unnest,
    exp.SplitToTable: _validate_rows,
    exp.StrtokSplitToTable: _validate_rows,
    exp.TableFromRows: _validate_table,
    exp.Generator: _validate_generator,
    **dict.fromkeys((exp.Seq1, exp.Seq2, exp.Seq4, exp.Seq8), _validate_sequence),
    exp.GenerateSeries: _validate_range,
    exp.Repeat: _validate_repeat,
    exp.Space: _validate_repeat,
    exp.Uuid: _validate_uuid,
    exp.Log: _validate_log,
    exp.CurrentDate: _validate_today,
    exp.Parameter: _validate_position,
    exp.WindowSpec: _validate_frame,
}
