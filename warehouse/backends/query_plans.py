"""What Postgres expects a query to cost, by the text of its plan."""

import re
from collections.abc import Iterable

from warehouse.sql.shapes import CheckedQuery

# Rows after which a LIMIT is none: reading as many takes minutes, and whether they come at
# once the planner can only guess.
MAX_LIMITED_ROWS = 1_000_000
NODE = re.compile(
    r"^(?P<indent>\s*)(?P<arrow>->  )?(?P<name>\S.*?)  "
    r"\(cost=[0-9.]+\.\.(?P<cost>[0-9.]+) rows=(?P<rows>[0-9]+) "
)
LIMITS = re.compile(r"\b(LIMIT|FETCH)\b")


def read_plan_cost(query: CheckedQuery, lines: Iterable[str]) -> float:
    """Return the cost of a query, by the lines of the plan that Postgres explained.

    It is the first line's, which holds the whole. Below a LIMIT of many rows it is what
    lies below: a LIMIT makes the cost small in proportion, however large the rest is.
    Lines behind the first are read only if the query has a limit. Raises ValueError for
    what is no plan.
    """
    nodes = filter(None, map(NODE.match, lines))
    if (first := next(nodes, None)) is None:
        raise ValueError("the answer is no plan")
    cost, child_indent = float(first["cost"]), _find_child_indent(first)
    for node in nodes if LIMITS.search(query.text) else ():
        if len(node["indent"]) == child_indent:
            cost, child_indent = max(cost, float(node["cost"])), None
        child_indent = _find_child_indent(node) or child_indent
    return cost


def _find_child_indent(node: re.Match[str]) -> int | None:
    """Return where the node below a LIMIT of many rows begins; None for other nodes."""
    if node["name"] != "Limit" or int(node["rows"]) <= MAX_LIMITED_ROWS:
        return None
    return len(node["indent"]) + (6 if node["arrow"] else 2)
