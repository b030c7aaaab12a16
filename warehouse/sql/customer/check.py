"""Checks a customer's query: binds its start date, parses, validates, scopes, regenerates."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from warehouse.sql.customer import dialects, messages, spelling
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.growth import text_growth
from warehouse.sql.customer.recursion import recursive_queries
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.rules import validator
from warehouse.sql.customer.scope import (
    composite_fields,
    function_sources,
    own_tables,
    tenant_scope,
)
from warehouse.sql.customer.text import parsing, source_text, text_limits
from warehouse.sql.customer.traits import reward_names, row_traits
from warehouse.sql.shapes import CheckedMetric, CheckedQuery, CheckedSource

MANAGED_DIALECT = "postgres"


@dataclass(frozen=True, slots=True)
class Home:
    """Where a connection's tables are: its schema, and its database if it has one."""

    schema: str | None = None
    database: str | None = None


def check_query(
    sql: str,
    dialect: str = "postgres",
    *,
    managed: bool | None = None,
    schema: str | None = None,
    database: str | None = None,
) -> CheckedQuery:
    """Check that a customer's query is one harmless SELECT.

    With `managed` (default: whether the dialect is the managed store's) every table in
    the returned text is a subquery over the organization's rows. Otherwise tables are the
    customer's own; one without a schema gets `schema`, or is refused if that is None. On
    Postgres `database`, the connected one, may stand before a schema.
    Raises RefusedError, with a reason for the author, on anything not known to be harmless.
    """
    rules = dialects.get_dialect(dialect)
    home = Home(schema, database)
    return _check_bound_query(sql, rules, rules.start_date, home, managed=managed)


def check_metric_query(
    sql: str,
    mapping: Mapping[str, str | None],
    dialect: str = "postgres",
    *,
    managed: bool | None = None,
    schema: str | None = None,
    database: str | None = None,
) -> CheckedMetric:
    """Check a metric's query; `mapping` is the API's `column_mapping`.

    Its keys are anonymous_id, timestamp and optionally value and name. Only the warehouse
    can tell whether the columns exist. Raises RefusedError.
    """
    rules, home = dialects.get_dialect(dialect), Home(schema, database)
    time = mapping.get("timestamp") or ""
    query = _check_bound_query(
        sql, rules, rules.start_date, home, managed=managed, timestamp=time
    )
    _require_columns(mapping, "anonymous_id", "timestamp")
    return CheckedMetric(
        query,
        str(mapping["anonymous_id"]),
        str(mapping["timestamp"]),
        mapping.get("value") or None,
        mapping.get("name") or None,
    )


def check_source_query(
    sql: str,
    mapping: Mapping[str, str | None],
    dialect: str = "postgres",
    *,
    schema: str | None = None,
    database: str | None = None,
) -> CheckedSource:
    """Check the query of an assignment source, which only connected warehouses have.

    `mapping` is the API's `column_mapping`; context and policy_version are optional. The
    start date is a parameter of its own, see CheckedQuery. Raises RefusedError.
    """
    rules = dialects.get_dialect(dialect)
    start_date = rules.source_start_date
    query = _check_bound_query(
        sql,
        rules,
        start_date,
        Home(schema, database),
        managed=False,
        timestamp=mapping.get("timestamp") or "",
    )
    required = ("anonymous_id", "timestamp", "optimization_id", "variant")
    _require_columns(mapping, *required)
    anonymous_id, timestamp, optimization_id, variant = (
        str(mapping[key]) for key in required
    )
    return CheckedSource(
        query,
        anonymous_id,
        timestamp,
        optimization_id,
        variant,
        mapping.get("context") or None,
        mapping.get("policy_version") or None,
    )


def _require_columns(mapping: Mapping[str, str | None], *keys: str) -> None:
    for key in keys:
        if not mapping.get(key):
            raise RefusedError(f"column_mapping.{key} is required: name a column.")


def _check_bound_query(
    sql: str,
    rules: Dialect,
    start_date: str,
    home: Home,
    *,
    managed: bool | None,
    timestamp: str = "",
) -> CheckedQuery:
    is_managed = rules.name == MANAGED_DIALECT if managed is None else managed
    try:
        bound, takes_start_date = parsing.bind_start_date(
            source_text.trim_query(text_limits.require_readable(sql), rules),
            rules,
            start_date,
        )
        query = parsing.parse_query(bound, rules.grammar)
        spelling.decode_escapes(query)
        query = spelling.spell_names(query, rules)
        composite_fields.read_fields_as_columns(query, rules)
        function_sources.wrap_sources(query, rules)
        if not is_managed:
            own_tables.qualify_tables(query, home.schema, home.database)
        validator.validate_query(query, rules, is_managed=is_managed)
        function_sources.validate_columns(query, rules)
        # A connected warehouse is the customer's own; there REPEAT alone is bounded.
        if is_managed or query.find(exp.Repeat):
            text_growth.require_bounded_growth(query)
        columns = _list_result_columns(query)
        lines = () if is_managed else own_tables.list_lines(query)
        names = reward_names.find_reward_names(query) if is_managed else None
        tables = (
            tenant_scope.scope_tables(query)
            if is_managed
            else own_tables.list_tables(query)
        )
        text, regenerated = _regenerate_query(query, rules, is_managed=is_managed)
        traits = row_traits.read_traits(regenerated, rules, timestamp)
        # Where a recursion needs a bound in the text, all of them end.
        recursions = (
            ()
            if rules.recursion_bound
            else recursive_queries.list_recursions(query, rules.grammar)
        )
    except RecursionError as error:
        raise RefusedError("The query is nested too deeply: simplify it.") from error
    return CheckedQuery(
        text,
        rules.name,
        columns,
        tables,
        takes_start_date,
        lines,
        names,
        traits,
        recursions,
    )


def _regenerate_query(
    query: exp.Query, rules: Dialect, *, is_managed: bool
) -> tuple[str, exp.Query]:
    """Return the query's text, and the query as parsed and validated a second time."""
    text = _write_query(query, rules)
    regenerated = parsing.parse_query(text, rules.grammar)
    validator.validate_query(regenerated, rules, is_managed=is_managed)
    function_sources.validate_columns(regenerated, rules)
    if is_managed:
        tenant_scope.validate_regenerated_query(regenerated)
    else:
        own_tables.validate_regenerated_query(regenerated, rules)
    return text, regenerated


def _write_query(query: exp.Query, rules: Dialect) -> str:
    """Return a query's text.

    Raises RefusedError where sqlglot cannot write a function, or would leave a part out.
    """
    try:
        return query.sql(
            rules.grammar,
            comments=False,
            identify=True,
            copy=False,
            unsupported_level=ErrorLevel.RAISE,
        )
    except UnsupportedError as error:
        part = str(error).splitlines()[0].rstrip(".")
        raise RefusedError(
            f"A part of the query has no form on {rules.title} ({part}): write it in"
            " another way, or in a view."
        ) from error
    except messages.UNWRITABLE as error:
        raise messages.refuse_unwritable(query, rules.grammar) from error


def quote_identifier(name: str) -> str:
    """Write a column's name as a double-quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _list_result_columns(query: exp.Query) -> tuple[str, ...] | None:
    names = []
    for projection in query.selects:
        if not isinstance(projection, exp.Alias | exp.Column) or projection.is_star:
            return None
        names.append(projection.alias_or_name)
    return tuple(names) or None
