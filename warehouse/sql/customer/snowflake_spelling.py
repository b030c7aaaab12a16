"""What Snowflake's text means where sqlglot, or a name without quotes, would change it."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from warehouse.sql.customer.recursion import bounded_recursion

DEFAULT_SCHEMA = "PUBLIC"
FLATTENED = "_flattened"


def keep_meaning(query: exp.Query) -> None:
    """Rewrite what would mean something else after names are folded and text is written.

    To be called before names are folded.
    """
    for node in list(query.walk()):
        rewrite = _REWRITERS.get(type(node))
        if rewrite:
            rewrite(node)
    _number_flattened(query)


def mark_recursion(query: exp.Query) -> None:
    """Write RECURSIVE, which Snowflake lets out, where a WITH query names itself.

    To be called after names are folded. Raises RefusedError where the customer wrote
    RECURSIVE and a query names itself elsewhere: without the word that is a table.
    """
    for clause in query.find_all(exp.With):
        if clause.args.get("recursive"):
            bounded_recursion.refuse_other_recursion(clause)
        clause.set(
            "recursive", any(map(bounded_recursion.is_recursive, clause.expressions))
        )


def _number_flattened(query: exp.Query) -> None:
    """Number the FLATTENs without a name: sqlglot gives all of them the same."""
    flattened = [row for row in query.find_all(exp.Lateral) if row.alias == FLATTENED]
    for number, row in enumerate(flattened if len(flattened) > 1 else (), 1):
        name = exp.to_identifier(f"{FLATTENED}_{number}", quoted=True)
        row.args["alias"].set("this", name)


def _keep_field(dot: exp.Dot) -> None:
    """Keep the case of a key: `value[0].Key` is not `value[0].KEY`."""
    key = dot.expression
    if isinstance(key, exp.Identifier) and not isinstance(dot.this, exp.Identifier):
        key.replace(exp.to_identifier(key.name, quoted=True))


def _keep_key(pair: exp.PropertyEQ) -> None:
    """Keep the case of a key in {'key': value}, which sqlglot takes for a name."""
    if isinstance(pair.this, exp.Identifier):
        pair.this.replace(exp.Literal.string(pair.this.name))


def _add_schema(table: exp.Table) -> None:
    """Write the schema of `database..name`."""
    if table.args.get("catalog") and not table.db:
        table.set("db", exp.to_identifier(DEFAULT_SCHEMA, quoted=True))


def _name_column(position: exp.Parameter) -> None:
    """Replace `$1` by the name of its column, if the query reads VALUES alone."""
    query = position.find_ancestor(exp.Select)
    source = query.args.get("from_") if query and not query.args.get("joins") else None
    is_value = source is not None and isinstance(source.this, exp.Values)
    if source is None or not is_value or not position.this.is_int:
        return
    number, alias = int(position.name), source.this.args.get("alias")
    names = alias.columns if alias else []
    name = names[number - 1].copy() if 0 < number <= len(names) else None
    name = name or exp.to_identifier(f"COLUMN{number}", quoted=True)
    is_in_column = isinstance(position.parent, exp.Column)
    position.replace(name if is_in_column else exp.Column(this=name))


def _keep_all(key: exp.Ordered) -> None:
    """Keep ORDER BY ALL, whose ALL sqlglot takes for a name."""
    column = key.this
    is_plain = isinstance(column, exp.Column) and len(column.parts) == 1
    if is_plain and not column.this.args.get("quoted") and column.name.upper() == "ALL":
        key.set("this", exp.var("ALL"))


def _keep_truth(test: exp.Is) -> None:
    """Keep `x IS TRUE`, which sqlglot writes as `x`: NULL where x is."""
    if isinstance(test.expression, exp.Boolean):
        test.replace(exp.NullSafeEQ(this=test.this, expression=test.expression))


_REWRITERS: dict[type[exp.Expr], Callable[[Any], None]] = {
    exp.Dot: _keep_field,
    exp.PropertyEQ: _keep_key,
    exp.Table: _add_schema,
    exp.Parameter: _name_column,
    exp.Ordered: _keep_all,
    exp.Is: _keep_truth,
}
