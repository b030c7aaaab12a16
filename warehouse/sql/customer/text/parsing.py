"""Parses the text of a customer's query, with its start date as a parameter."""

import logging
from itertools import zip_longest

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as SqlglotDialect
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.grammars.kept_arguments import KeepsArguments
from warehouse.sql.customer.messages import (
    ONE_PARAMETER,
    START_DATE,
    UNWRITABLE,
    write_line,
)
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.text import (
    nesting,
    parse_errors,
    postgres_operators,
    snowflake_text,
)
from warehouse.sql.customer.text.tokens import read_tokens

PLACEHOLDER_TOKENS = {
    TokenType.PARAMETER,
    TokenType.PLACEHOLDER,
    TokenType.SESSION_PARAMETER,
}

ONLY_SELECT = "Only a SELECT is allowed, not {statement}."

# sqlglot warns about syntax that it does not know; here such a query is refused.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


def bind_start_date(sql: str, rules: Dialect, start_date: str) -> tuple[str, bool]:
    """Replace `@start_date` outside quotes and comments by the dialect's parameter.

    Returns the text, and whether it has a start date.
    """
    try:
        tokens = read_tokens(sql, rules.name)
    except SqlglotError as error:
        raise parse_errors.build_parse_error(error, sql, rules.name) from error
    operators = postgres_operators.find_operators(tokens, rules)
    parts, copied_until = [], 0
    for position, (token, following) in enumerate(zip_longest(tokens, tokens[1:])):
        # On Snowflake source_text has judged TABLE(…).
        if token.token_type == TokenType.TABLE and rules.name != "snowflake":
            raise _build_table_error(tokens[0].text.upper(), token, following)
        if token.token_type not in PLACEHOLDER_TOKENS or position in operators:
            continue
        if rules.name == "snowflake" and snowflake_text.names_position(
            token, following
        ):
            continue
        if not _names_start_date(token, following):
            raise RefusedError(
                f"The parameter {token.text}{following.text if following else ''} is"
                f" unknown{write_line(token.line)}: {ONE_PARAMETER}"
            )
        parts += [sql[copied_until : token.start], start_date]
        copied_until = token.start + len(START_DATE)
    return "".join(parts) + sql[copied_until:], bool(parts)


def _build_table_error(
    first_word: str, token: Token, following: Token | None
) -> RefusedError:
    """Build an error for the word TABLE: a statement, part of another, or Snowflake's."""
    if first_word in {"TABLE", "SELECT", "WITH", "("}:
        line = write_line(token.line)
        if following is not None and following.token_type == TokenType.L_PAREN:
            return RefusedError(
                f"TABLE(…) is not allowed{line}: write the function alone, such as"
                " jsonb_array_elements(value::jsonb)."
            )
        return RefusedError(f"TABLE is not allowed{line}: write SELECT * FROM.")
    return RefusedError(ONLY_SELECT.format(statement=first_word))


def _names_start_date(token: Token, following: Token | None) -> bool:
    return (
        token.text == "@"
        and following is not None
        and following.start == token.end + 1
        and following.token_type == TokenType.VAR
        and following.text == START_DATE[1:]
    )


def parse_query(sql: str, dialect: str) -> exp.Query:
    """Parse exactly one SELECT.

    Raises RefusedError, also if parsing could take more than linear time.
    """
    sqlglot_dialect = SqlglotDialect.get_or_raise(dialect)
    parser = sqlglot_dialect.parser()
    assert isinstance(parser, KeepsArguments)  # as all grammars of this package
    try:
        tokens = sqlglot_dialect.tokenize(sql)
        nesting.require_shallow(tokens, sqlglot_dialect.parser_class.TYPE_TOKENS)
        statements = list(filter(None, parser.parse(tokens, sql)))
    except UNWRITABLE as error:
        if isinstance(error, ParseError) and not error.errors:
            raise _build_call_error(parser) from error
        if isinstance(error, SqlglotError):
            name = dialect.removeprefix("customer")
            raise parse_errors.build_parse_error(error, sql, name) from error
        raise _build_call_error(parser) from error
    if len(statements) != 1:
        raise RefusedError("Exactly one statement is allowed.")
    query = statements[0]
    if isinstance(query, exp.Alias | exp.Condition) and not isinstance(
        query, exp.Query
    ):
        raise RefusedError("A value alone is no query: write SELECT before it.")
    if not isinstance(query, exp.Select | exp.SetOperation | exp.Subquery):
        raise RefusedError("Only a SELECT is allowed: write one SELECT.")
    return query


def _build_call_error(parser: KeepsArguments) -> RefusedError:
    """Build an error for a call of which sqlglot could not make a function."""
    name = parser.find_call()
    return RefusedError(
        f"The call of {name.text} cannot be read{write_line(name.line)}: check the number"
        " and kinds of its arguments."
    )
