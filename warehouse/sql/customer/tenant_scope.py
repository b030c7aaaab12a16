"""A customer's query on the managed store: every table becomes the organization's rows."""

from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from warehouse.sql.customer import managed_schema, validator
from warehouse.sql.customer.refusal import RefusedError

# Numbered parameters of a checked query; see CheckedQuery. The start date is between.
ORGANIZATION_PARAMETER, OPTIMIZATION_PARAMETER = 1, 3


def scope_tables(query: exp.Query) -> tuple[str, ...]:
    """Replace every table by a subquery over the organization's rows; name the tables."""
    for column in query.find_all(exp.Column):
        if column.args.get("db"):
            column.set("db", None)
            column.set("catalog", None)
    tables = [
        table for table in query.find_all(exp.Table) if not validator.is_cte(table)
    ]
    for table in tables:
        alias = table.args.get("alias") or exp.TableAlias(
            this=exp.to_identifier(table.name, quoted=True)
        )
        rows = exp.Subquery(
            this=_select_tenant_rows(table.name),
            alias=alias,
            joins=table.args.get("joins"),
        )
        table.replace(rows)
    return tuple(sorted({table.name for table in tables}))


def _select_tenant_rows(table: str) -> exp.Query:
    """Select the organization's rows of a table, and for rewards the optimization's.

    A reward that was sent for one optimization counts for no other; sent for none, it
    is attributed by whatever the metric says of it.
    """
    own = exp.column("organization_id").eq(_build_parameter(ORGANIZATION_PARAMETER))
    rows = exp.select(*managed_schema.COLUMNS[table]).from_(
        f"{managed_schema.SCHEMA}.{table}"
    )
    rows = rows.where(own)
    if table == "rewards":
        wanted = exp.cast(_build_parameter(OPTIMIZATION_PARAMETER), "uuid")
        sent_for = exp.column("optimization_id")
        rows = rows.where(
            exp.or_(
                wanted.is_(exp.null()), sent_for.is_(exp.null()), sent_for.eq(wanted)
            )
        )
    return rows


def _build_parameter(number: int) -> exp.Parameter:
    return exp.Parameter(this=exp.Literal.number(number))


def validate_regenerated_query(query: exp.Query) -> None:
    """Look at the regenerated text once more: every table stands behind its wall."""
    walls = {
        name: _select_tenant_rows(name).sql("postgres", identify=True)
        for name in managed_schema.COLUMNS
    }
    for scope in traverse_scope(query):
        for source in scope.sources.values():
            if isinstance(source, exp.Table):
                wall = walls[source.name]
                if scope.expression.sql("postgres", identify=True) != wall:
                    raise RefusedError(
                        "A table could not be scoped to the organization."
                    )
    for table in query.find_all(exp.Table):
        if not validator.is_cte(table):
            around = table.find_ancestor(exp.Select)
            if (
                around is None
                or around.sql("postgres", identify=True) != walls[table.name]
            ):
                raise RefusedError("A table could not be scoped to the organization.")
