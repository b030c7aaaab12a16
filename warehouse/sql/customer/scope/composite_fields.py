"""Fields of composite values on Postgres: `(address).city`."""

from sqlglot import exp

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import locate
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.written_names import write_path

# The value's fields as the columns of a table; the field is then a bare name, which can
# mean no function. Postgres reads `(value).name` as `name(value)` if there is no such field.
FIELDS_TABLE = "levered_fields"
MAX_CHAIN = 8  # fields of fields: each is a query inside the next
MAX_FIELDS = 200  # in one query: each costs as much as a small query
CHAIN = "fields_in_chain"


def read_fields_as_columns(query: exp.Query, dialect: Dialect) -> None:
    """Write `(value).name` as `(SELECT name FROM (SELECT (value).*) AS …)`.

    Raises RefusedError where the value has one meaning in its place only: a window
    function, or a function that returns rows.
    """
    if dialect.name != "postgres":
        return
    dots = [dot for dot in query.find_all(exp.Dot) if _reads_composite(dot)]
    if len(dots) > MAX_FIELDS:
        raise RefusedError(
            f"The query reads more than {MAX_FIELDS} fields of composite values: name"
            " them in a WITH query and read its columns."
        )
    for dot in reversed(dots):  # inner values first
        _require_movable(dot, dialect)
        length = _strip_parentheses(dot.this).meta.get(CHAIN, 0) + 1
        if length > MAX_CHAIN:
            raise RefusedError(
                f"More than {MAX_CHAIN} fields are read one inside the other"
                f"{locate(dot)}: name the inner ones in a WITH query first."
            )
        field = _build_field(dot)
        field.meta[CHAIN] = length
        dot.replace(field)


def _reads_composite(dot: exp.Dot) -> bool:
    is_value = isinstance(dot.this, exp.Paren | exp.Bracket | exp.Dot | exp.Subquery)
    is_type = isinstance(dot.parent, exp.DataType)
    return is_value and not is_type and isinstance(dot.expression, exp.Identifier)


def _strip_parentheses(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def _build_field(dot: exp.Dot) -> exp.Subquery:
    value = dot.this if isinstance(dot.this, exp.Paren) else exp.Paren(this=dot.this)
    star = exp.Dot(this=value, expression=exp.Star())
    alias = exp.TableAlias(this=exp.to_identifier(FIELDS_TABLE))
    fields = exp.Subquery(this=exp.Select(expressions=[star]), alias=alias)
    column = exp.Column(this=dot.expression)
    return exp.Subquery(
        this=exp.Select(expressions=[column], from_=exp.From(this=fields))
    )


def _require_movable(dot: exp.Dot, dialect: Dialect) -> None:
    field = write_path(dot.expression)
    for node in dot.this.walk(prune=lambda node: isinstance(node, exp.Query)):
        if isinstance(node, exp.Window):
            raise RefusedError(
                f"The field {field} of a window function cannot be read{locate(dot)}:"
                " name the function's result in a WITH query first."
            )
        if _returns_rows(node, dialect):
            raise RefusedError(
                f"The field {field} of a function that returns rows cannot be read"
                f"{locate(dot)}: write the function in FROM, as in"
                " jsonb_each(value) AS x (key, value)."
            )


def _returns_rows(node: exp.Expr, dialect: Dialect) -> bool:
    series = (exp.Explode, exp.ExplodingGenerateSeries)
    name = str(node.this).lower() if isinstance(node, exp.Anonymous) else ""
    return isinstance(node, series) or name in dialect.table_functions
