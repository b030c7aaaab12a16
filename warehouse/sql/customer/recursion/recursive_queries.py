"""WITH queries that read themselves, each as a query of its own: to see whether it ends.

Left out are those of which a LIMIT reads the first rows alone, which need not end, and
those that end soon by their text.
"""

from collections.abc import Iterator
from itertools import islice

from sqlglot import exp

from warehouse.sql.customer.messages import find_line
from warehouse.sql.customer.recursion.ending_recursion import ends_soon
from warehouse.sql.customer.recursion.endless_recursion import is_read_in_part
from warehouse.sql.customer.recursion.recursion_steps import is_reading
from warehouse.sql.customer.written_names import write_alias
from warehouse.sql.shapes import Recursion

MAX_RECURSIONS = 8  # each repeats the WITH queries before it


def list_recursions(query: exp.Expr, grammar: str) -> tuple[Recursion, ...]:
    """Return the first few WITH queries of a query that read themselves."""
    return tuple(islice(_find_recursions(query, grammar), MAX_RECURSIONS))


def _find_recursions(query: exp.Expr, grammar: str) -> Iterator[Recursion]:
    for clause in query.find_all(exp.With):
        for cte in clause.expressions if clause.args.get("recursive") else ():
            reads_itself = any(
                is_reading(table, cte) for table in cte.this.find_all(exp.Table)
            )
            is_harmless = is_read_in_part(cte, clause) or ends_soon(cte)
            if reads_itself and not is_harmless:
                text = _build_reading(clause, cte, grammar)
                yield Recursion(write_alias(cte), find_line(cte), text)


def _build_reading(clause: exp.With, cte: exp.Expr, grammar: str) -> str:
    """Return a query that reads all rows of one WITH query."""
    ctes = [*_list_outer(clause), *_list_until(clause, cte)]
    reading = exp.With(expressions=[each.copy() for each in ctes], recursive=True)
    if cte is clause.expressions[-1]:
        for key in ("search", "cycle"):
            part = clause.args.get(key)
            reading.set(key, part.copy() if part else None)
    name = exp.to_identifier(cte.alias, quoted=True).sql(grammar)
    text = reading.sql(grammar, comments=False, identify=True, copy=False)
    return f"{text} SELECT count(*) AS n FROM {name}"  # noqa: S608 - it is quoted


def _list_outer(clause: exp.With) -> list[exp.Expr]:
    """Return the WITH queries around a WITH, the outermost first."""
    outer: list[exp.Expr] = []
    child: exp.Expr = clause
    parent = clause.parent
    while parent is not None:
        if isinstance(parent, exp.With):
            outer = [*_list_until(parent, child)[:-1], *outer]
        else:
            around = parent.args.get("with_")
            if around is not None and around is not child:
                outer = [*around.expressions, *outer]
        child, parent = parent, parent.parent
    return outer


def _list_until(clause: exp.With, last: exp.Expr) -> list[exp.Expr]:
    position = next(
        index for index, cte in enumerate(clause.expressions) if cte is last
    )
    return list(clause.expressions[: position + 1])
