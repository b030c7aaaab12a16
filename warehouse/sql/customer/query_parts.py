"""What a query of a parsed text consists of: branches, sources, columns, own expressions."""

from collections.abc import Container, Iterator

from sqlglot import exp


def is_query(node: exp.Expr) -> bool:
    """Return whether a node is a query; `(a JOIN b ON …)` is none."""
    return isinstance(node, exp.Query) and not _is_joined_tables(node)


def list_branches(query: exp.Expr) -> list[exp.Expr]:
    """Return the queries that a chain of UNIONs joins, in their order."""
    branches: list[exp.Expr] = []
    rest = [query]
    while rest:
        part = rest.pop()
        if isinstance(part, exp.SetOperation) and (part is query or not part.ctes):
            rest += [part.expression, part.this]
        else:
            branches.append(part)
    return branches


def list_columns(query: exp.Expr) -> frozenset[str] | None:
    """Return the names of a query's columns, or None if the text does not name them all."""
    selects = query.selects if isinstance(query, exp.Query) else []
    names = [selected.alias_or_name for selected in selects]
    return frozenset(names) if all(names) and names and "*" not in names else None


def list_sources(query: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the tables, queries and functions that a SELECT reads, in their order."""
    rest = [query.args.get("from_"), *_list_joins(query)]
    rest += query.args.get("laterals") or []
    rest.reverse()
    while rest:
        node = rest.pop()
        if node is None:
            continue
        rest += reversed(_list_joins(node))
        if isinstance(node, exp.From | exp.Join) or _is_joined_tables(node):
            rest.append(node.this)
        else:
            yield node


def list_own_nodes(
    query: exp.Expr, left_out: Container[str] = (), leaves: Container[int] = ()
) -> list[exp.Expr]:
    """Return the nodes of a query, each before its parts.

    Not among them: the clauses `left_out` and WITH, and what stands inside other queries
    and inside the nodes with the ids `leaves`.
    """
    rest = [
        part
        for key, value in query.args.items()
        if key != "with_" and key not in left_out
        for part in (value if isinstance(value, list) else [value])
        if isinstance(part, exp.Expr)
    ]
    nodes: list[exp.Expr] = []
    while rest:
        node = rest.pop()
        nodes.append(node)
        is_leaf = is_query(node) or id(node) in leaves
        rest += _list_joins(node) if is_leaf else node.iter_expressions()
    return nodes


def _list_joins(node: exp.Expr) -> list[exp.Expr]:
    return node.args.get("joins") or []


def _is_joined_tables(node: exp.Expr) -> bool:
    return isinstance(node, exp.Subquery | exp.Paren) and not isinstance(
        node.this, exp.Query | exp.Values
    )
