"""Tables of a query on the managed store: limited to the organization's rows, up to a time."""

from collections.abc import Mapping

from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from warehouse.sql.customer import managed_schema
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.rules import validator

# Numbers of a checked query's parameters; see CheckedQuery. $2 is the start date.
ORGANIZATION_PARAMETER, OPTIMIZATION_PARAMETER, AS_OF_PARAMETER = 1, 3, 4


def scope_tables(query: exp.Query) -> tuple[str, ...]:
    """Replace every table by a subquery over the organization's rows.

    Returns the names of the tables, sorted.
    """
    for column in query.find_all(exp.Column):
        if column.args.get("db"):
            column.set("db", None)
            column.set("catalog", None)
    tables = [
        table
        for table in query.find_all(exp.Table)
        if not validator.is_cte(table) and not validator.is_table_function(table)
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
    """Build the query for the organization's rows of a table.

    A reward sent for one optimization counts for no other. A reward sent without one
    counts for any whose metric selects it. Rows dated ahead are hidden here because a
    query that aggregates would mix them with others.
    """
    as_of = exp.cast(_build_parameter(AS_OF_PARAMETER), "timestamptz")
    conditions: list[exp.Condition] = [
        exp.column("organization_id").eq(_build_parameter(ORGANIZATION_PARAMETER)),
        exp.column("timestamp_utc") <= as_of,
    ]
    if table == "rewards":
        requested = exp.cast(_build_parameter(OPTIMIZATION_PARAMETER), "uuid")
        sent_for = exp.column("optimization_id")
        conditions.append(
            exp.or_(
                requested.is_(exp.null()),
                sent_for.is_(exp.null()),
                sent_for.eq(requested),
            )
        )
    columns = managed_schema.COLUMNS[table]
    return (
        exp.select(*columns)
        .from_(f"{managed_schema.SCHEMA}.{table}")
        .where(*conditions)
    )


def _build_parameter(number: int) -> exp.Parameter:
    return exp.Parameter(this=exp.Literal.number(number))


def validate_regenerated_query(query: exp.Query) -> None:
    """Check the regenerated query again: each table stands in its scoped subquery.

    Raises RefusedError.
    """
    scoped_texts = {
        name: _write_query(_select_tenant_rows(name)) for name in managed_schema.COLUMNS
    }
    for scope in traverse_scope(query):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and not validator.names_no_table(source):
                _require_scoped(source, scope.expression, scoped_texts)
    for table in query.find_all(exp.Table):
        if not validator.is_cte(table) and not validator.is_table_function(table):
            _require_scoped(table, table.find_ancestor(exp.Select), scoped_texts)


def _require_scoped(
    table: exp.Table, query: exp.Expr | None, scoped_texts: Mapping[str, str]
) -> None:
    if query is None or _write_query(query) != scoped_texts[table.name]:
        raise RefusedError(
            f"The table {table.name} could not be limited to your organization's rows;"
            " write the query in a simpler way."
        )


def _write_query(query: exp.Expr) -> str:
    return query.sql("postgres", identify=True)
