"""Texts and numbers in a form that is not read, such as Postgres' B'101': what to write."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import write_line
from warehouse.sql.customer.refusal import RefusedError

# Where sqlglot reads the letter as a name of its own.
PREFIXES = {"B": TokenType.BIT_STRING, "X": TokenType.HEX_STRING}
RAW_PREFIXES = frozenset({"r", "rb", "br"})
BITS = re.compile(r"[01]{1,64}")
DIGITS = re.compile(r"[0-9A-Fa-f]{1,16}")
ESCAPES = re.compile(r"\\(?:\\|\+([0-9A-Fa-f]{6})|([0-9A-Fa-f]{4}))")


def refuse_forms(sql: str, tokens: Sequence[Token], rules: Dialect) -> None:
    """Raise RefusedError at a literal whose form Postgres alone has, with its value.

    X'1F' is bits on Postgres, bytes on Snowflake, and on BigQuery no literal at all.
    """
    for token in tokens:
        text = sql[token.start : token.end + 1]
        kind = token.token_type
        is_number = text[:2].lower() == "0x"
        if kind in _ADVICE and not (is_number and rules.name == "bigquery"):
            raise _refuse(kind, text, token, rules)
    for prefix, token in pairwise(tokens):
        if rules.name != "bigquery" and _is_raw(prefix, token):
            raise _refuse_raw(sql, prefix, token, rules)
        kind = PREFIXES.get(prefix.text.upper(), TokenType.STRING)
        text = sql[prefix.start : token.end + 1]
        is_adjacent = token.start == prefix.end + 1
        if kind in _ADVICE and is_adjacent and token.token_type == TokenType.STRING:
            raise _refuse(kind, text, token, rules)


def _is_raw(prefix: Token, token: Token) -> bool:
    r"""Return whether two tokens are BigQuery's r'\d', which elsewhere is a name and a text."""
    is_adjacent = token.start == prefix.end + 1
    is_text = token.token_type in {TokenType.STRING, TokenType.IDENTIFIER}
    return prefix.text.lower() in RAW_PREFIXES and is_adjacent and is_text


def _refuse_raw(sql: str, prefix: Token, token: Token, rules: Dialect) -> RefusedError:
    text = sql[token.start + 1 : token.end]
    quote = "$$" if rules.name == "snowflake" and "\\" in text else "'"
    return RefusedError(
        f"The literal {sql[prefix.start : token.end + 1][:60]} is not allowed"
        f"{write_line(token.line)}: write {quote}{text[:60]}{quote} instead."
    )


def _refuse(kind: TokenType, text: str, token: Token, rules: Dialect) -> RefusedError:
    advice = _ADVICE[kind](token.text, rules.name)
    if text[:2].lower() == "0x" and DIGITS.fullmatch(token.text):
        advice = f"the number {int(token.text, 16)}"
    return RefusedError(
        f"The literal {text[:60]} is not allowed{write_line(token.line)}: write {advice}"
        " instead."
    )


def _advise_bits(text: str, _dialect: str) -> str:
    if not BITS.fullmatch(text):
        return "a number"
    return f"the number {int(text, 2)}, or the text '{text}'"


def _advise_digits(text: str, dialect: str) -> str:
    if not DIGITS.fullmatch(text):
        return "a number, or a text in quotes"
    decode = {
        "bigquery": f"FROM_HEX('{text}')",
        "snowflake": f"TRY_HEX_DECODE_BINARY('{text}')",
    }.get(dialect, f"decode('{text}', 'hex')")
    return f"the number {int(text, 16)}, or {decode} for bytes"


def _advise_characters(text: str, _dialect: str) -> str:
    characters = ESCAPES.sub(_decode, text)
    return f"the characters themselves, '{characters[:60]}',"


def _decode(escape: re.Match[str]) -> str:
    number = int(escape[1] or escape[2] or "5c", 16)
    return chr(number) if 32 <= number < 0xD800 else escape[0]


_ADVICE: dict[TokenType, Callable[[str, str], str]] = {
    TokenType.BIT_STRING: _advise_bits,
    TokenType.HEX_STRING: _advise_digits,
    TokenType.NATIONAL_STRING: _advise_characters,
    TokenType.UNICODE_STRING: _advise_characters,
}
