"""The customer's query: start date bound, parsed, proved harmless, scoped, written anew."""

import logging
from collections.abc import Mapping
from itertools import zip_longest

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql import managed, proof
from warehouse.sql.refusal import RefusedError
from warehouse.sql.shapes import CheckedMetric, CheckedQuery

LONGEST = 20_000
START_DATE = "@start_date"
# Numbered parameters of a checked query; see CheckedQuery.
ORGANIZATION_PARAMETER, START_DATE_PARAMETER, OPTIMIZATION_PARAMETER = 1, 2, 3
PLACEHOLDERS = {TokenType.PARAMETER, TokenType.PLACEHOLDER, TokenType.SESSION_PARAMETER}

# sqlglot logs what it falls back on; here that is refused with a reason instead.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


def check(sql: str, dialect: str = "postgres") -> CheckedQuery:
    """Prove a customer's query to be one harmless SELECT, and scope it.

    Returns text in which every table is a subquery over the organization's rows alone.
    Raises RefusedError, with a reason for the author, on anything not known to be harmless.
    """
    if dialect != "postgres":
        raise RefusedError(f"Queries in the dialect {dialect} are not supported yet.")
    try:
        return _check(_readable(sql), dialect)
    except RecursionError as error:
        raise RefusedError("The query is nested too deeply.") from error


def _check(sql: str, dialect: str) -> CheckedQuery:
    bound, takes_start_date = _bind_start_date(sql, dialect)
    query = normalize_identifiers(_parse(bound, dialect), dialect=dialect)
    proof.prove(query)
    columns = _result_columns(query)
    tables = _scope_to_organization(query)
    text = query.sql(dialect, comments=False, identify=True)
    _prove_scoped(text, dialect)
    return CheckedQuery(text, dialect, columns, tables, takes_start_date)


def metric(
    sql: str, mapping: Mapping[str, str | None], dialect: str = "postgres"
) -> CheckedMetric:
    """Check a metric's query; `mapping` names the columns as in the contract.

    Keys: anonymous_id, timestamp, and where there are any value and name. Whether the
    columns exist only the warehouse can tell. Raises RefusedError.
    """
    query = check(sql, dialect)
    for key in ("anonymous_id", "timestamp"):
        if not mapping.get(key):
            raise RefusedError(f"column_mapping.{key} is required.")
    return CheckedMetric(
        query,
        str(mapping["anonymous_id"]),
        str(mapping["timestamp"]),
        mapping.get("value") or None,
        mapping.get("name") or None,
    )


def quote(name: str) -> str:
    """Write a column's name as a quoted identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _readable(sql: str) -> str:
    if len(sql) > LONGEST:
        raise RefusedError(f"The query is longer than {LONGEST:,} characters.")
    if "\x00" in sql or _unencodable(sql):
        raise RefusedError("The query holds a character that no database accepts.")
    return sql


def _unencodable(sql: str) -> bool:
    try:
        sql.encode()
    except UnicodeEncodeError:
        return True
    return False


def _bind_start_date(sql: str, dialect: str) -> tuple[str, bool]:
    """Put a parameter where the start date is named, outside quotes and comments."""
    try:
        tokens = sqlglot.tokenize(sql, dialect=dialect)
    except SqlglotError as error:
        raise _unreadable(error) from error
    parts, end = [], 0
    for token, following in zip_longest(tokens, tokens[1:]):
        if token.token_type == TokenType.TABLE:
            raise RefusedError("The command TABLE is not allowed: write SELECT * FROM.")
        if token.token_type not in PLACEHOLDERS:
            continue
        if not _names_start_date(token, following):
            raise RefusedError(
                f"The only parameter that a query may hold is {START_DATE}."
            )
        parts += [
            sql[end : token.start],
            f"CAST(${START_DATE_PARAMETER} AS TIMESTAMPTZ)",
        ]
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


def _parse(sql: str, dialect: str) -> exp.Query:
    try:
        statements = [one for one in sqlglot.parse(sql, dialect=dialect) if one]
    except SqlglotError as error:
        raise _unreadable(error) from error
    if len(statements) != 1:
        raise RefusedError("Exactly one statement is allowed.")
    query = statements[0]
    if not isinstance(query, exp.Select | exp.SetOperation | exp.Subquery):
        raise RefusedError("Only a SELECT is allowed.")
    return query


def _unreadable(error: SqlglotError) -> RefusedError:
    """Say where the reading stopped, which is near to what is wrong."""
    places = error.errors if isinstance(error, ParseError) else []
    if not places or not places[0].get("line"):
        return RefusedError("The query cannot be read: is a quote or comment open?")
    place = places[0]
    return RefusedError(
        f"The query cannot be read at line {place['line']}, column {place['col']}, "
        f"near {place['highlight'][:80]!r}."
    )


def _result_columns(query: exp.Query) -> tuple[str, ...] | None:
    names = []
    for projection in query.selects:
        if not isinstance(projection, exp.Alias | exp.Column) or projection.is_star:
            return None
        names.append(projection.alias_or_name)
    return tuple(names) or None


def _scope_to_organization(query: exp.Query) -> tuple[str, ...]:
    """Replace every table by a subquery over the organization's rows; name the tables."""
    for column in query.find_all(exp.Column):
        if column.args.get("db"):
            column.set("db", None)
            column.set("catalog", None)
    tables = [table for table in query.find_all(exp.Table) if not proof.is_cte(table)]
    for table in tables:
        alias = table.args.get("alias") or exp.TableAlias(
            this=exp.to_identifier(table.name, quoted=True)
        )
        rows = exp.Subquery(
            this=_own_rows(table.name), alias=alias, joins=table.args.get("joins")
        )
        table.replace(rows)
    return tuple(sorted({table.name for table in tables}))


def _own_rows(table: str) -> exp.Query:
    """Select the organization's rows of a table, and for rewards the optimization's.

    A reward that was sent for one optimization counts for no other; sent for none, it
    is attributed by whatever the metric says of it.
    """
    own = exp.column("organization_id").eq(_parameter(ORGANIZATION_PARAMETER))
    rows = exp.select(*managed.COLUMNS[table]).from_(f"{managed.SCHEMA}.{table}")
    rows = rows.where(own)
    if table == "rewards":
        wanted = exp.cast(_parameter(OPTIMIZATION_PARAMETER), "uuid")
        sent_for = exp.column("optimization_id")
        rows = rows.where(
            exp.or_(
                wanted.is_(exp.null()), sent_for.is_(exp.null()), sent_for.eq(wanted)
            )
        )
    return rows


def _parameter(number: int) -> exp.Parameter:
    return exp.Parameter(this=exp.Literal.number(number))


def _prove_scoped(text: str, dialect: str) -> None:
    """Read the regenerated text again: what the database will see is proved as well."""
    query = _parse(text, dialect)
    proof.prove(query)
    walls = {
        name: _own_rows(name).sql(dialect, identify=True) for name in managed.COLUMNS
    }
    for scope in traverse_scope(query):
        for source in scope.sources.values():
            if isinstance(source, exp.Table):
                wall = walls[source.name]
                if scope.expression.sql(dialect, identify=True) != wall:
                    raise RefusedError(
                        "A table could not be scoped to the organization."
                    )
    for table in query.find_all(exp.Table):
        if not proof.is_cte(table):
            around = table.find_ancestor(exp.Select)
            if (
                around is None
                or around.sql(dialect, identify=True) != walls[table.name]
            ):
                raise RefusedError("A table could not be scoped to the organization.")
