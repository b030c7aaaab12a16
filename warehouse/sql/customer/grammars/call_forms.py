"""Tells calls apart that sqlglot reads as one: `ARRAY(a, b)` from `[a, b]`."""

from typing import Any

from sqlglot import exp

IS_CALL = "is_call"


def mark_call(node: Any) -> Any:
    """Return a node, marked as written in the form of a call."""
    node.meta[IS_CALL] = True
    return node


def lacks_query(array: exp.Expr) -> bool:
    """Return whether an array was written as ARRAY(…) around something else than a query."""
    is_query = len(array.expressions) == 1 and isinstance(
        array.expressions[0], exp.Query | exp.Subquery
    )
    return bool(array.meta.get(IS_CALL)) and not is_query
