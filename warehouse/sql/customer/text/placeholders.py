"""Placeholders and templates of other programs, found before the parser reads them.

The parser makes `??` a COALESCE, `{a: B}` a struct and `%(a)s` a remainder.
"""

import re
from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import (
    ONE_PARAMETER,
    START_DATE,
    TEMPLATE_REMEDY,
    write_line,
)
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.text.postgres_operators import PREFIX_WORDS, ends_operand

FENCE = re.compile(r"\A\s*(```|~~~)|^[ \t]*(```|~~~)[ \t]*;?\s*\Z", re.MULTILINE)
TEXTS = frozenset(
    {
        TokenType.STRING, TokenType.IDENTIFIER, TokenType.HEREDOC_STRING,
        TokenType.RAW_STRING, TokenType.BYTE_STRING,
    }
)  # fmt: skip
TEMPLATES = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\{\#.*?\#\}|[$#&%:!@]+\{[^{}']*\}"
    r"|\{\s*[@:$]?\w+\s*\}",
    re.DOTALL,
)
# `{name:Type}` of ClickHouse; on Snowflake a key of an object stands in quotes.
TYPED_TEMPLATE = re.compile(
    r"\{\s*\w+(:|\s*:\s*(?=(Array|Bool|Date|Decimal|Float|Identifier|Map|Nullable|String"
    r"|UInt|Int|UUID)))[A-Z]\w*(\([^{}]*\))?\s*\}"
)
TAGS = re.compile(r"<%.*?%>|<%[=-]?\s*\w*", re.DOTALL)
EMPTY = re.compile(r"\{\s*\}")
# No dialect has these before a value.
PARAMETERS = re.compile(
    r"%\(\w*\)s?|%+\w+%*|@@\w+|&&\w+|:'\w*'|:\"\w*\"|@'\w*'|@`\w*`|\\[:$?@]\w*"
    r"|@(?i:\"start_date\")"
)
DOLLARS = re.compile(r"\$+(\w+\$?|\(\w*\)|\[\w*\])?")
NAMED_REMAINDERS = re.compile(r"%(s|\(\w+\)s)(?!\w)")
TIME_WORDS = frozenset({"DATE", "DATETIME", "INTERVAL", "TIMESTAMP", "TIMESTAMPTZ"})
# Behind a comment that is a parameter of another program, as `#since#` is on BigQuery.
HASHED = re.compile(r"\s*(#\{\w+\}|#\w+#)")
AFTER_VALUE = frozenset(
    {"", ")", ",", "AND", "OR", "FROM", "WHERE", "GROUP", "ORDER", "LIMIT", "HAVING"}
)
COALESCE = "coalesce(a, b) for a value in place of NULL"


def refuse_fences(sql: str) -> None:
    """Raise RefusedError if the text is in a code block of Markdown."""
    if fence := FENCE.search(sql):
        sign = fence[1] or fence[2]
        start = fence.start(1 if fence[1] else 2)
        raise RefusedError(
            f"The lines that begin with {sign} are Markdown's and no SQL"
            f"{write_line(1 + sql.count(chr(10), 0, start))}: leave them out."
        )


def refuse_placeholders(sql: str, tokens: Sequence[Token], rules: Dialect) -> None:
    """Raise RefusedError at what another program would have replaced by a value."""
    previous: Token | None = None
    for position, token in enumerate(tokens):
        begins_value = not _ends_value(previous)
        if rules.name == "bigquery" and begins_value:
            _refuse_hashed(sql, previous, token)
        if token.token_type not in TEXTS:
            _refuse_fence(sql, token)
            _refuse_template(sql, token, rules, begins_value=begins_value)
            _refuse_question_marks(sql, token, rules, begins_value=begins_value)
            if text := _find_parameter(sql, token, rules, begins_value=begins_value):
                raise refuse_parameter(text, token, previous)
            _refuse_after_type(sql, tokens, position)
        elif sql.startswith("```", token.start):
            _refuse_fence(sql, token)
        previous = token
    if rules.name == "bigquery" and previous and not _ends_value(previous):
        _refuse_hashed(sql, previous, None)


def refuse_parameter(text: str, token: Token, previous: Token | None) -> RefusedError:
    """Return the error for a parameter of another program, by the way it was written."""
    line = write_line(token.line)
    if previous and previous.text.upper() in {"FROM", "JOIN"}:
        return RefusedError(
            f"The parameter or stage {text} cannot be read{line}: name a table."
        )
    return RefusedError(f"The parameter {text} is unknown{line}: {ONE_PARAMETER}")


def refuse_template(text: str, token: Token) -> RefusedError:
    """Return the error for a template, shortened."""
    shown = text if len(text) <= 60 else f"{text[:60]}…"
    return RefusedError(
        f"The template {shown} is not filled in here{write_line(token.line)}:"
        f" {TEMPLATE_REMEDY}"
    )


def _ends_value(token: Token | None) -> bool:
    if token is None or token.text.upper() in PREFIX_WORDS:
        return token is not None and token.token_type in TEXTS
    return token.token_type in TEXTS or token.text == "}" or ends_operand(token)


def _refuse_fence(sql: str, token: Token) -> None:
    if sql.startswith("```", token.start):
        raise RefusedError(
            "The lines that begin with ``` are Markdown's and no SQL"
            f"{write_line(1 + sql.count(chr(10), 0, token.start))}: leave them out."
        )


def _refuse_template(
    sql: str, token: Token, rules: Dialect, *, begins_value: bool
) -> None:
    start = token.start
    found = TEMPLATES.match(sql, start) or TYPED_TEMPLATE.match(sql, start)
    if not found and rules.name != "snowflake":
        found = EMPTY.match(sql, start)
    if not found and (begins_value or sql.startswith(("<%=", "<%-"), start)):
        found = TAGS.match(sql, start)
    if found:
        raise refuse_template(found[0], token)
    if token.text == "{" and rules.name == "bigquery":
        raise RefusedError(
            f"The construct {{…}} is not allowed{write_line(token.line)}: write"
            " STRUCT(value AS name) or JSON_OBJECT('name', value) instead."
        )


def _refuse_question_marks(
    sql: str, token: Token, rules: Dialect, *, begins_value: bool
) -> None:
    """Refuse `??`, which is no operator in any dialect, behind a value."""
    if begins_value or not sql.startswith("??", token.start):
        return
    sign = sql[token.start + 2 : token.start + 3]
    operator = f"?{sign}" if sign in {"|", "&"} else "?"
    remedy = (
        f"write {operator} to look up a key of JSON, or {COALESCE}"
        if rules.name == "postgres"
        else f"write {COALESCE}"
    )
    raise RefusedError(
        f"The operator ?{operator} is not allowed{write_line(token.line)}: {remedy}."
    )


def _find_parameter(
    sql: str, token: Token, rules: Dialect, *, begins_value: bool
) -> str:
    """Return the parameter of another program that begins at a token; "" if none does."""
    if token.text == "?::" or sql.startswith("??", token.start):
        return token.text.removesuffix("::")
    found = None
    if begins_value:
        found = PARAMETERS.match(sql, token.start)
        if not found and rules.name != "postgres":
            found = re.compile(r'@"\w*"').match(sql, token.start)
    if not found and rules.name == "bigquery":
        found = DOLLARS.match(sql, token.start)
    return found[0] if found else ""


def _refuse_after_type(sql: str, tokens: Sequence[Token], position: int) -> None:
    """Refuse `DATE %s` and `TIMESTAMP @start_date`: a literal's text belongs there."""
    token, before = tokens[position], tokens[position - 1] if position else None
    if before is None or before.text.upper() not in TIME_WORDS:
        return
    if before.token_type in TEXTS or before.end + 1 == token.start:
        return
    if found := NAMED_REMAINDERS.match(sql, token.start):
        raise refuse_parameter(found[0], token, before)
    if sql.startswith(START_DATE, token.start):
        raise RefusedError(
            f"The word {before.text} stands before {START_DATE}{write_line(token.line)}:"
            f" write {START_DATE} alone, or CAST({START_DATE} AS {before.text})."
        )


def _refuse_hashed(sql: str, previous: Token | None, token: Token | None) -> None:
    """Refuse `#since#` for a value on BigQuery, where it is a comment."""
    end = token.start if token else len(sql)
    found = HASHED.match(sql, previous.end + 1 if previous else 0, end)
    if found and previous and (token.text.upper() if token else "") in AFTER_VALUE:
        raise refuse_parameter(found[1], previous, previous)
