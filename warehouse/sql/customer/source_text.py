"""The text of a customer's query before it is parsed: what stands around one SELECT."""

from collections.abc import Sequence
from itertools import pairwise

from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer import (
    bigquery_text,
    foreign_marks,
    foreign_operators,
    foreign_parameters,
    foreign_quotes,
    interval_units,
    literal_forms,
    postgres_text,
    snowflake_text,
    unfinished_text,
)
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import FROM_FIRST, write_line
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.tokens import read_tokens

BYTE_ORDER_MARK = "\ufeff"
# TABLE begins a query as well; parsing refuses it with a hint of its own.
FIRST_WORDS = frozenset({"SELECT", "WITH", "(", "TABLE"})
PIPE = (
    "The pipe |> is not allowed{line}: write SELECT … FROM … WHERE …, one WITH query for"
    " each step that reads the one before."
)
# What to write instead of a script, by its first word.
SCRIPTS = {
    "CREATE": "a WITH query for a table, and its expression for a function",
    "DELETE": "its condition as the WHERE of a SELECT",
    "DECLARE": "@start_date, or the value itself, in the place of each variable",
    "INSERT": "its SELECT alone",
    "SET": "@start_date, or the value itself, in the place of each variable",
}


def trim_query(sql: str, rules: Dialect) -> str:
    """Return the text of the one statement in `sql`; lines keep their numbers.

    A byte order mark, and semicolons and comments at either end, are left out. Raises
    RefusedError if the text holds another statement than one SELECT, a template, or
    another parameter than `@start_date`. Text that has no tokens is left to the parser.
    """
    sql = sql.lstrip(BYTE_ORDER_MARK)
    try:
        tokens = read_tokens(sql, rules.name)
    except SqlglotError:
        return sql
    statement = _strip_semicolons(tokens)
    if not statement:
        raise RefusedError("The query is empty: write a SELECT.")
    _refuse_pipes(statement)
    foreign_marks.refuse_marks(sql, statement, rules)
    foreign_operators.refuse_operators(sql, statement, rules)
    foreign_parameters.refuse_parameters(sql, statement, rules)
    foreign_quotes.refuse_quotes(sql, statement, rules)
    literal_forms.refuse_forms(sql, statement, rules)
    interval_units.refuse_units(statement, rules)
    _require_select(statement[0])
    _refuse_words(statement)
    unfinished_text.refuse_unfinished(statement, rules)
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


def _refuse_pipes(tokens: Sequence[Token]) -> None:
    """Raise RefusedError at a pipe, which sqlglot reads in every dialect."""
    for token in tokens:
        if token.token_type == TokenType.PIPE_GT and tokens[0].text.upper() != "FROM":
            raise RefusedError(PIPE.format(line=write_line(token.line)))


def _require_select(first: Token) -> None:
    word = first.text.upper()
    if word == "FROM":
        raise RefusedError(FROM_FIRST.format(line=write_line(first.line)))
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
