"""A limit on how much longer a query's functions can make a text.

Calls of REPLACE inside each other, or in one WITH query after another, multiply a text's
length: three of them turn one character into a gigabyte.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress
from math import prod

from sqlglot import exp

from warehouse.sql.customer.refusal import RefusedError

# How much longer a query may make a text, as a multiple of its longest part.
MAX_GROWTH = 10_000
UNKNOWN_GROWTH = 1000  # of a replacement that is no literal
REPLACING = (exp.Replace, exp.RegexpReplace, exp.Repeat)
JOINING = (exp.Concat, exp.ConcatWs, exp.DPipe)
TOO_LONG = (
    f"The query could make a text more than {MAX_GROWTH:,} times longer: use fewer or "
    "shorter replacements and concatenations."
)


@dataclass(frozen=True, slots=True)
class _Growth:
    """How much longer an expression makes a text, and what the queries below it do."""

    text: float = 1
    inner: float = 1


def require_bounded_growth(query: exp.Query) -> None:
    """Raise RefusedError if a query could make a text more than MAX_GROWTH times longer.

    What a query does multiplies with what the queries inside it do; of the branches of a
    UNION the largest counts.
    """
    growths: dict[int, _Growth] = {}
    for node in reversed(list(query.walk())):  # from the leaves up: chains may be long
        growths[id(node)] = _compute_growth(node, growths)
    if growths[id(query)].inner > MAX_GROWTH:
        raise RefusedError(TOO_LONG)


def _compute_growth(node: exp.Expr, growths: Mapping[int, _Growth]) -> _Growth:
    """Return the growth of a node from that of its parts; a query's is all inner."""
    parts = [(part, growths[id(part)]) for part in node.iter_expressions()]
    if isinstance(node, exp.SetOperation):
        branches = (growths[id(node.this)], growths[id(node.expression)])
        others = [
            growth.inner
            for part, growth in parts
            if part is not node.this and part is not node.expression
        ]
        return _Growth(inner=max(branch.inner for branch in branches) * prod(others))
    if isinstance(node, JOINING):
        is_variable = [not isinstance(part, exp.Literal) for part, _ in parts]
        text = sum(growth.text for _, growth in compress(parts, is_variable)) or 1
    else:
        factor = _compute_factor(node) if isinstance(node, REPLACING) else 1
        text = factor * max((growth.text for _, growth in parts), default=1)
    inner = prod(growth.inner for _, growth in parts)
    is_query = isinstance(node, exp.Query)
    return _Growth(inner=text * inner) if is_query else _Growth(text, inner)


def _compute_factor(node: exp.Expr) -> float:
    """Return by how much a replacement can make a text longer; at least 1."""
    if isinstance(node, exp.Repeat):
        times = node.args["times"]
        return max(1, int(times.name)) if times.is_int else UNKNOWN_GROWTH
    pattern, replacement = node.expression, node.args.get("replacement")
    if replacement is None:
        return 1
    if not isinstance(replacement, exp.Literal):
        return UNKNOWN_GROWTH
    length = len(replacement.name)
    if isinstance(node, exp.RegexpReplace):
        return length + 1  # a pattern may match nothing, between any two characters
    pattern_length = len(pattern.name) if isinstance(pattern, exp.Literal) else 1
    return max(1, length / max(1, pattern_length))
