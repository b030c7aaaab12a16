"""The text of a customer's query before it is parsed: what stands around one SELECT."""

from collections.abc import Sequence
from itertools import pairwise

from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import write_line
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.text import (
    bigquery_text,
    changing_statements,
    comparison_signs,
    foreign_marks,
    foreign_operators,
    foreign_parameters,
    foreign_quotes,
    interval_units,
    literal_forms,
    placeholders,
    postgres_text,
    snowflake_text,
    unfinished_text,
)
from warehouse.sql.customer.text.tokens import read_tokens

BYTE_ORDER_MARK = "\ufeff"
PIPE = (
    "The pipe |> is not allowed{line}: write SELECT … FROM … WHERE …, one WITH query for"
    " each step that reads the one before."
)


def trim_query(sql: str, rules: Dialect) -> str:
    """Return the text of the one statement in `sql`; lines keep their numbers.

    A byte order mark, and semicolons and comments at either end, are left out. Raises
    RefusedError if the text holds another statement than one SELECT, a template, or
    another parameter than `@start_date`. Text that has no tokens is left to the parser.
    """
    sql = sql.lstrip(BYTE_ORDER_MARK)
    placeholders.refuse_fences(sql)
    try:
        tokens = read_tokens(sql, rules.name)
    except SqlglotError:
        return sql
    statement = _strip_semicolons(tokens)
    if not statement:
        raise RefusedError("The query is empty: write a SELECT.")
    _refuse_pipes(statement)
    placeholders.refuse_placeholders(sql, statement, rules)
    comparison_signs.refuse_misspelt(sql, statement)
    foreign_marks.refuse_marks(sql, statement, rules)
    foreign_operators.refuse_operators(sql, statement, rules)
    foreign_parameters.refuse_parameters(sql, statement, rules)
    foreign_quotes.refuse_quotes(sql, statement, rules)
    literal_forms.refuse_forms(sql, statement, rules)
    interval_units.refuse_units(statement, rules)
    changing_statements.require_select(statement, rules.name)
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
