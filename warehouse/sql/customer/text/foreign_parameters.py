"""Parameters and templates of other programs in a query's text: `@start_date` is the only one."""

import re
from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import START_DATE, write_line
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.text import (
    placeholders,
    postgres_operators,
    quoted_parameters,
    snowflake_text,
)
from warehouse.sql.customer.text.postgres_operators import CLOSING_TOKENS, ends_operand

TEMPLATES = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\{\{|\{%|\{#.*?#\}|\$\{.*?\}|\{\w+\}", re.DOTALL
)
PARAMETERS = re.compile(r"%\(\w*\)s?|[@$:%?]+\w*")
# In a name in quotes, as in `${project}.app.t`.
NAME_TEMPLATES = re.compile(r"\{\{.*?\}\}|\$\{.*?\}|\{%.*?%\}", re.DOTALL)
TEMPLATE_TOKENS = frozenset(
    {TokenType.BLOCK_START, TokenType.L_BRACE, TokenType.PARAMETER}
)


def refuse_parameters(sql: str, tokens: Sequence[Token], rules: Dialect) -> None:
    """Raise RefusedError at a parameter or template of another program.

    Likewise at one in quotes where a time is expected (quoted_parameters).
    """
    operators = postgres_operators.find_operators(tokens, rules)
    previous: Token | None = None
    pairs = zip(tokens, [*tokens[1:], None], strict=True)
    for position, (token, following) in enumerate(pairs):
        has_dollar = sql.startswith("${", token.start - 1)  # a name to BigQuery
        template = TEMPLATES.match(sql, token.start - has_dollar)
        if template and token.token_type in TEMPLATE_TOKENS:
            raise placeholders.refuse_template(template[0], token)
        if token.token_type == TokenType.IDENTIFIER:
            template = NAME_TEMPLATES.search(token.text)
            if template:
                raise placeholders.refuse_template(template[0], token)
        is_position = rules.name == "snowflake" and snowflake_text.names_position(
            token, following
        )
        is_position &= not (previous and previous.text.upper() in {"FROM", "JOIN"})
        if (
            position not in operators
            and not is_position
            and _is_foreign_parameter(token, previous, following)
        ):
            _refuse_parameter(sql, token, previous, rules)
        previous = token
    quoted_parameters.refuse_quoted(tokens)


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
    shown = PARAMETERS.match(sql, token.start)
    text = shown[0] if shown else token.text
    is_after_value = previous and previous.token_type in CLOSING_TOKENS
    if rules.name == "postgres" and text == "?" and is_after_value:
        raise RefusedError(
            f"The operator ? is not allowed here{write_line(token.line)}: write"
            " jsonb_exists(value, 'key')."
        )
    raise placeholders.refuse_parameter(text, token, previous)
