"""Signs of comments, parameters and numbers that stand where no dialect reads them."""

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import ONE_PARAMETER, START_DATE, write_line
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.text.postgres_operators import PREFIX_WORDS, ends_operand

TEXTS = frozenset({TokenType.IDENTIFIER, TokenType.STRING})
# What other programs write before the name of a parameter, and no dialect before a value.
PARAMETER_SIGNS = frozenset({"&", "#", "<"})
COMMENT = "A comment begins with -- here{line}, not with {sign}: write -- {rest}."
CLAUSES = {
    "MATCH_RECOGNIZE": "LAG or LEAD in a WITH query, and a WHERE over it",
}


def refuse_marks(sql: str, tokens: Sequence[Token], rules: Dialect) -> None:
    """Raise RefusedError at a sign of another program, with what to write instead."""
    for position, token in enumerate(tokens):
        if token.token_type in TEXTS:
            continue
        _refuse_comment(sql, tokens, position)
        _refuse_parameter(sql, tokens, position)
        _refuse_number(sql, tokens, position)
        line = write_line(token.line)
        following = _read_text(tokens, position + 1)
        word = token.text.upper()
        if token.text == ":=":
            raise RefusedError(
                f"The operator := is not allowed{line}: write a = b to compare, or => before"
                " a named argument."
            )
        if rules.name != "snowflake" and word in CLAUSES and following == "(":
            raise RefusedError(
                f"The clause {word} is not allowed{line}: write {CLAUSES[word]} instead."
            )
        is_brace = token.text == "{" and rules.name == "snowflake"
        if is_brace and _read_text(tokens, position + 2) == ":":
            _require_text(tokens[position + 1])


def _refuse_comment(sql: str, tokens: Sequence[Token], position: int) -> None:
    token, before = tokens[position], tokens[position - 1] if position else None
    line = write_line(token.line)
    if token.text == "*" and sql.startswith("*/", token.start):
        raise RefusedError(
            f"The end */ of a comment has no beginning{line}: write /* before it, or leave"
            " it out."
        )
    sign = next((each for each in ("//", "#") if sql.startswith(each, token.start)), "")
    is_first = before is None or (before.line < token.line and sign == "//")
    if sign and is_first:
        rest = sql[token.start + len(sign) :].partition("\n")[0].strip()[:40]
        raise RefusedError(COMMENT.format(line=line, sign=sign, rest=rest))


def _refuse_parameter(sql: str, tokens: Sequence[Token], position: int) -> None:
    """Refuse `&since`, `#since#` and `<since>` in the place of a value, and `@ start_date`."""
    token, following = tokens[position], tokens[position + 1 : position + 2]
    name = following[0] if following and following[0].text.isidentifier() else None
    if name is None or name.token_type in TEXTS:
        return
    gap, line = sql[token.end + 1 : name.start], write_line(token.line)
    is_start = f"@{name.text.lower()}" == START_DATE
    if token.text == "@" and is_start and gap:
        raise RefusedError(
            f"A space stands in the parameter @ {name.text}{line}: write {START_DATE}."
        )
    is_sign = token.text in PARAMETER_SIGNS or (token.text == "!" and is_start)
    if not is_sign or gap or not position or _ends_value(tokens[position - 1]):
        return
    closing = sql[name.end + 1 : name.end + 2]
    end = closing if closing in {"#", ">"} else ""
    raise RefusedError(
        f"The parameter {token.text}{name.text}{end} is unknown{line}: {ONE_PARAMETER}"
    )


def _refuse_number(sql: str, tokens: Sequence[Token], position: int) -> None:
    """Refuse `1.5.2`, of which sqlglot makes a field of a number."""
    token, end = tokens[position], tokens[position].end + 1
    if token.token_type == TokenType.NUMBER and sql[end : end + 1] == ".":
        while sql[end : end + 1] == "." or sql[end : end + 1].isalnum():
            end += 1
        number = sql[token.start : end]
        raise RefusedError(
            f"The number {number} has two dots{write_line(token.line)}: write '{number}' for"
            " a text, or a number with one dot."
        )


def _require_text(key: Token) -> None:
    """Refuse `{a: 1}`, whose colon sqlglot takes for a path."""
    if key.token_type != TokenType.STRING:
        raise RefusedError(
            f"The key {key.text} needs quotes{write_line(key.line)}: write '{key.text}'"
            " before the colon."
        )


def _ends_value(token: Token) -> bool:
    return ends_operand(token) and token.text.upper() not in PREFIX_WORDS


def _read_text(tokens: Sequence[Token], position: int) -> str:
    return tokens[position].text if position < len(tokens) else ""
