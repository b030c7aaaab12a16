"""The customer's query: start date bound, parsed, proved harmless, scoped, written anew."""

import logging
from collections.abc import Mapping
from itertools import zip_longest

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer import dialects, own_tables, tenant_scope, validator
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.shapes import CheckedMetric, CheckedQuery, CheckedSource

MAX_QUERY_LENGTH = 20_000
START_DATE = "@start_date"
MANAGED_DIALECT = "postgres"
PLACEHOLDER_TOKENS = {
    TokenType.PARAMETER,
    TokenType.PLACEHOLDER,
    TokenType.SESSION_PARAMETER,
}

# sqlglot logs what it falls back on; here that is refused with a reason instead.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


def check_query(
    sql: str,
    dialect: str = "postgres",
    *,
    managed: bool | None = None,
    schema: str | None = None,
) -> CheckedQuery:
    """Prove a customer's query to be one harmless SELECT.

    `managed` (by default: where the dialect is the managed store's) returns text in
    which every table is a subquery over the organization's rows alone. Else tables are
    the customer's own; one without a schema is given `schema`, or refused. Raises
    RefusedError, with a reason for the author, on anything not known to be harmless.
    """
    rules = dialects.get_dialect(dialect)
    return _check_bound_query(
        sql, rules, rules.start_date, managed=managed, schema=schema
    )


def check_metric_query(
    sql: str,
    mapping: Mapping[str, str | None],
    dialect: str = "postgres",
    *,
    managed: bool | None = None,
    schema: str | None = None,
) -> CheckedMetric:
    """Check a metric's query; `mapping` names the columns as in the contract.

    Keys: anonymous_id, timestamp, and where there are any value and name. Whether the
    columns exist only the warehouse can tell. Raises RefusedError.
    """
    query = check_query(sql, dialect, managed=managed, schema=schema)
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
) -> CheckedSource:
    """Check an assignment source's query, which only connected warehouses have.

    Keys of `mapping` as in the contract; context and policy_version may be missing. Its
    start date is a parameter of its own, see CheckedQuery. Raises RefusedError.
    """
    rules = dialects.get_dialect(dialect)
    start_date = rules.source_start_date
    query = _check_bound_query(sql, rules, start_date, managed=False, schema=schema)
    needed = ("anonymous_id", "timestamp", "optimization_id", "variant")
    _require_columns(mapping, *needed)
    anonymous_id, timestamp, optimization_id, variant = (
        str(mapping[key]) for key in needed
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
            raise RefusedError(f"column_mapping.{key} is required.")


def _check_bound_query(
    sql: str,
    rules: Dialect,
    start_date: str,
    *,
    managed: bool | None,
    schema: str | None,
) -> CheckedQuery:
    of_managed = rules.name == MANAGED_DIALECT if managed is None else managed
    try:
        bound, takes_start_date = _bind_start_date(
            _require_readable(sql), rules, start_date
        )
        query = normalize_identifiers(
            _parse_query(bound, rules.name), dialect=rules.name
        )
        if not of_managed:
            own_tables.qualify_tables(query, schema)
        validator.validate_query(query, rules, of_managed=of_managed)
        columns = _list_result_columns(query)
        tables = (
            tenant_scope.scope_tables(query)
            if of_managed
            else own_tables.list_tables(query)
        )
        text = query.sql(rules.name, comments=False, identify=True)
        again = _parse_query(text, rules.name)
        validator.validate_query(again, rules, of_managed=of_managed)
        if of_managed:
            tenant_scope.validate_regenerated_query(again)
        else:
            own_tables.validate_regenerated_query(again, rules)
    except RecursionError as error:
        raise RefusedError("The query is nested too deeply.") from error
    return CheckedQuery(text, rules.name, columns, tables, takes_start_date)


def quote_identifier(name: str) -> str:
    """Write a column's name as a quoted identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _require_readable(sql: str) -> str:
    if len(sql) > MAX_QUERY_LENGTH:
        raise RefusedError(f"The query is longer than {MAX_QUERY_LENGTH:,} characters.")
    if "\x00" in sql or _is_unencodable(sql):
        raise RefusedError("The query holds a character that no database accepts.")
    return sql


def _is_unencodable(sql: str) -> bool:
    try:
        sql.encode()
    except UnicodeEncodeError:
        return True
    return False


def _bind_start_date(sql: str, rules: Dialect, start_date: str) -> tuple[str, bool]:
    """Put a parameter where the start date is named, outside quotes and comments."""
    try:
        tokens = sqlglot.tokenize(sql, dialect=rules.name)
    except SqlglotError as error:
        raise _build_parse_error(error) from error
    parts, end = [], 0
    for token, following in zip_longest(tokens, tokens[1:]):
        if token.token_type == TokenType.TABLE:
            raise RefusedError("The command TABLE is not allowed: write SELECT * FROM.")
        if token.token_type not in PLACEHOLDER_TOKENS:
            continue
        if not _names_start_date(token, following):
            raise RefusedError(
                f"The only parameter that a query may hold is {START_DATE}."
            )
        parts += [sql[end : token.start], start_date]
        end = token.start + len(START_DATE)
    return "".join(parts) + sql[end:], bool(parts)


def _names_start_date(token: Token, following: Token | None) -> bool:
    return (
        token.text == "@"
        and following is not None
        and following.start == token.end + 1
        and following.token_type == TokenType.VAR
        and following.text == START_DATE[1:]
    )


def _parse_query(sql: str, dialect: str) -> exp.Query:
    try:
        statements = [one for one in sqlglot.parse(sql, dialect=dialect) if one]
    except SqlglotError as error:
        raise _build_parse_error(error) from error
    if len(statements) != 1:
        raise RefusedError("Exactly one statement is allowed.")
    query = statements[0]
    if not isinstance(query, exp.Select | exp.SetOperation | exp.Subquery):
        raise RefusedError("Only a SELECT is allowed.")
    return query


def _build_parse_error(error: SqlglotError) -> RefusedError:
    """Say where the reading stopped, which is near to what is wrong."""
    places = error.errors if isinstance(error, ParseError) else []
    if not places or not places[0].get("line"):
        return RefusedError("The query cannot be read: is a quote or comment open?")
    place = places[0]
    return RefusedError(
        f"The query cannot be read at line {place['line']}, column {place['col']}, "
        f"near {place['highlight'][:80]!r}."
    )


def _list_result_columns(query: exp.Query) -> tuple[str, ...] | None:
    names = []
    for projection in query.selects:
        if not isinstance(projection, exp.Alias | exp.Column) or projection.is_star:
            return None
        names.append(projection.alias_or_name)
    return tuple(names) or None
