"""The text of a customer's query before it is parsed: what stands around one SELECT."""

import re
from collections.abc import Sequence
from itertools import pairwise

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer import (
    bigquery_text,
    postgres_operators,
    postgres_text,
    snowflake_text,
)
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import write_line
from warehouse.sql.customer.postgres_operators import CLOSING_TOKENS, ends_operand
from warehouse.sql.customer.refusal import RefusedError

START_DATE = "@start_date"
BYTE_ORDER_MARK = "\ufeff"
# TABLE begins a query as well; parsing refuses it with a hint of its own.
FIRST_WORDS = frozenset({"SELECT", "WITH", "(", "TABLE"})
PIPE_SYNTAX = (
    "A query that begins with FROM is not allowed{line}: write SELECT … FROM …."
)
# What to write instead of a script, by its first word.
SCRIPTS = {
    "CREATE": "a WITH query for a table, and its expression for a function",
    "DECLARE": "@start_date, or the value itself, in the place of each variable",
    "SET": "@start_date, or the value itself, in the place of each variable",
}
TEMPLATES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{\{|\{%", re.DOTALL)
PARAMETERS = re.compile(r"[@$:%?]+\(?\w*\)?s?")
TEMPLATE_TOKENS = frozenset({TokenType.L_BRACE, TokenType.BLOCK_START})


def trim_query(sql: str, rules: Dialect) -> str:
    """Return the text of the one statement in `sql`; lines keep their numbers.

    A byte order mark, and semicolons and comments at either end, are left out. Raises
    RefusedError if the text holds another statement than one SELECT, a template, or
    another parameter than `@start_date`. Text that has no tokens is left to the parser.
    """
    sql = sql.lstrip(BYTE_ORDER_MARK)
    try:
        tokens = sqlglot.tokenize(sql, dialect=rules.name)
    except SqlglotError:
        return sql
    statement = _strip_semicolons(tokens)
    if not statement:
        return ""
    _refuse_foreign_parameters(sql, statement, rules)
    _require_select(statement[0])
    _refuse_words(statement)
    if rules.name == "bigquery":
        bigquery_text.refuse_other_syntax(statement)
    if rules.name == "postgres":
        postgres_text.refuse_other_syntax(sql, statement)
    if rules.name == "snowflake":
        snowflake_text.refuse_tables(statement)
        snowflake_text.refuse_foreign_words(statement)
    first, last = statement[0].start, statement[-1].end
    return "\n" * sql.count("\n", 0, first) + sql[first : last + 1]


def _strip_semicolons(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return the tokens without the semicolons at either end."""
    solid = [
        position
        for position, token in enumerate(tokens)
        if token.token_type != TokenType.SEMICOLON
    ]
    return tokens[solid[0] : solid[-1] + 1] if solid else ()


def _require_select(first: Token) -> None:
    word = first.text.upper()
    if word == "FROM":
        raise RefusedError(PIPE_SYNTAX.format(line=write_line(first.line)))
    if word == "VALUES":
        raise RefusedError(
            "VALUES alone is no query: write SELECT * FROM (VALUES …) AS t (a, b)."
        )
    if word not in FIRST_WORDS:
        advice = f": write {SCRIPTS[word]}" if word in SCRIPTS else ""
        raise RefusedError(
            f"Only a SELECT is allowed, not {word}{write_line(first.line)}{advice}."
        )


def _refuse_words(tokens: Sequence[Token]) -> None:
    """Raise RefusedError at a second statement, or at an unclear number."""
    for token, following in pairwise(tokens):
        # Older Postgres and sqlglot read 1_000 as the number 1 with the name _000, and
        # 0o17 as 0 with the name o17.
        is_adjacent = following.start == token.end + 1
        if (
            token.token_type == TokenType.NUMBER
            and is_adjacent
            and following.text.isidentifier()
        ):
            raise RefusedError(
                f"The number {token.text}{following.text} has two meanings"
                f"{write_line(token.line)}: write its decimal digits alone."
            )
        is_exclamation = token.token_type == TokenType.NOT and token.text == "!"
        if is_exclamation and not (is_adjacent and following.text.startswith("~")):
            raise RefusedError(
                f"The operator ! is not allowed{write_line(token.line)}: write NOT."
            )
        if token.token_type == TokenType.SEMICOLON:
            raise RefusedError(
                "Exactly one statement is allowed: another one begins with"
                f" {following.text.upper()}{write_line(following.line)}."
            )


def _refuse_foreign_parameters(
    sql: str, tokens: Sequence[Token], rules: Dialect
) -> None:
    """Raise RefusedError at a parameter or template of another program."""
    operators = postgres_operators.find_operators(tokens, rules)
    previous: Token | None = None
    pairs = zip(tokens, [*tokens[1:], None], strict=True)
    for position, (token, following) in enumerate(pairs):
        template = TEMPLATES.match(sql, token.start)
        if template and token.token_type in TEMPLATE_TOKENS:
            raise RefusedError(
                f"The template {_shorten(template[0])} is not filled in here"
                f"{write_line(token.line)}: write names and values as they are, and"
                " @start_date for the start date."
            )
        is_position = rules.name == "snowflake" and snowflake_text.names_position(
            token, following
        )
        if (
            position not in operators
            and not is_position
            and _is_foreign_parameter(token, previous, following)
        ):
            _refuse_parameter(sql, token, previous, rules)
        previous = token


def _is_foreign_parameter(
    token: Token, previous: Token | None, following: Token | None
) -> bool:
    is_adjacent_before = previous is not None and previous.end + 1 == token.start
    is_adjacent_after = following is not None and following.start == token.end + 1
    if token.token_type == TokenType.PARAMETER:
        names_start_date = following and f"{token.text}{following.text}" == START_DATE
        return not (is_adjacent_after and names_start_date)
    if token.token_type == TokenType.COLON:
        # `value:key` is Snowflake's path.
        is_path = is_adjacent_before and ends_operand(previous)
        return is_adjacent_after and not is_path
    if token.token_type == TokenType.MOD:
        return is_adjacent_after and not ends_operand(previous)
    return token.token_type in {TokenType.PLACEHOLDER, TokenType.SESSION_PARAMETER}


def _refuse_parameter(
    sql: str, token: Token, previous: Token | None, rules: Dialect
) -> None:
    line = write_line(token.line)
    shown = PARAMETERS.match(sql, token.start)
    text = shown[0] if shown else token.text
    if previous and previous.token_type in {TokenType.FROM, TokenType.JOIN}:
        raise RefusedError(
            f"The parameter or stage {text} cannot be read{line}: name a table."
        )
    is_after_value = previous and previous.token_type in CLOSING_TOKENS
    if rules.name == "postgres" and text == "?" and is_after_value:
        raise RefusedError(
            f"The operator ? is not allowed here{line}: write jsonb_exists(value, 'key')."
        )
    raise RefusedError(
        f"The parameter {text} is unknown{line}: write @start_date, the only parameter"
        " that a query may have."
    )


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
