"""Clauses that sqlglot reads in every dialect, and that no warehouse here reads."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from warehouse.sql.customer.messages import locate, refuse
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.written_names import write_path


def _validate_alias(node: exp.Expr) -> None:
    """Refuse `* AS name`."""
    if node.this.is_star:
        name = write_path(node.args["alias"])
        raise RefusedError(
            f"The star takes no name{locate(node)}: leave {name} out, or write the comma or"
            " FROM that is missing before it."
        )


def _validate_in(node: exp.Expr) -> None:
    """Refuse `a IN 'b'` and `a IN ()`; a PIVOT has brackets of its own."""
    value = node.args.get("field")
    if not any(
        node.args.get(key) for key in ("expressions", "query", "unnest", "field")
    ):
        raise RefusedError(
            f"IN has no values{locate(node)}: write at least one, or leave the comparison"
            " out."
        )
    if isinstance(value, exp.Column | exp.Literal) and not isinstance(
        node.parent, exp.Pivot
    ):
        is_text = isinstance(value, exp.Literal)
        text = value.sql() if is_text else write_path(value)
        raise RefusedError(f"IN needs brackets{locate(node)}: write IN ({text[:60]}).")


def refuse_apply(join: exp.Expr, cross: str, outer: str) -> None:
    """Raise RefusedError at CROSS APPLY and OUTER APPLY, with what to write instead."""
    source = join.this
    is_cross = (
        source.args.get("cross_apply") if isinstance(source, exp.Lateral) else None
    )
    if is_cross is not None:
        name = "CROSS APPLY" if is_cross else "OUTER APPLY"
        raise refuse("clause", name, join, cross if is_cross else outer)


def refuse_excluded_rows(frame: exp.Expr) -> None:
    """Raise RefusedError at EXCLUDE in a window's frame, which sqlglot leaves out."""
    if frame.args.get("exclude"):
        name = f"EXCLUDE {frame.args['exclude'].name.upper()} of a window"
        advice = (
            "a frame that ends before the row, as in ROWS BETWEEN 1 PRECEDING AND 1"
            " PRECEDING,"
        )
        raise refuse("clause", name, frame, advice)


def _validate_limit(node: exp.Expr) -> None:
    """Refuse LIMIT 50 PERCENT."""
    if node.args.get("percent"):
        raise RefusedError(
            f"A limit in PERCENT is not allowed{locate(node)}: write a number of rows, as in"
            " LIMIT 50, or a query around this one with WHERE over percent_rank() OVER (…)."
        )


def _validate_grouping(node: exp.Expr) -> None:
    """Refuse GROUP BY a WITH ROLLUP and WITH CUBE."""
    if not node.expressions:
        name = type(node).__name__.upper()
        raise refuse("clause", f"WITH {name}", node, f"GROUP BY {name} (a, b)")


def validate_group(node: exp.Expr) -> None:
    """Raise RefusedError at GROUP BY a WITH TOTALS."""
    if node.args.get("totals"):
        raise refuse("clause", "WITH TOTALS", node, "GROUP BY ROLLUP (a)")


RULES: dict[type[exp.Expr], Callable[[Any], None]] = {
    exp.Alias: _validate_alias,
    exp.In: _validate_in,
    exp.LimitOptions: _validate_limit,
    exp.Rollup: _validate_grouping,
    exp.Cube: _validate_grouping,
    exp.Group: validate_group,
}
